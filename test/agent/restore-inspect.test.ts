import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { claimLayout } from '../../src/agent/layout.ts';
import { emptyLedger } from '../../src/agent/ledger.ts';
import { backupOf, makeRestoreBench, outcomeOf, restoreId, type RestoreBench } from './support/restore-bench.ts';

// What is looked at before a person confirms a loss.

let on: RestoreBench;
beforeEach(async () => {
  on = await makeRestoreBench();
});
afterEach(() => on.remove());

const addCopy = async (name: string, files: readonly string[], recordedAs?: string): Promise<void> => {
  const directory = join(claimLayout(on.claim).copies, name);
  await mkdir(directory, { recursive: true });
  const backup = backupOf(Object.fromEntries(files.map((file) => [file, file])), {
    dataTime: name.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'),
  });
  const facts = backup['facts.json'] ?? Buffer.from('');
  await writeFile(join(directory, 'facts.json'), facts);
  const time = '2026-11-22T01:00:03Z';
  const copy = {
    name,
    dataTime: time,
    completionTime: time,
    durationSeconds: 1,
    sizeBytes: 1,
    jobName: 'j',
    factsDigest: recordedAs ?? createHash('sha256').update(facts).digest('hex'),
    files: [],
  };
  const ledger = await on.ledger();
  await writeFile(claimLayout(on.claim).ledger, JSON.stringify({ ...emptyLedger(), copies: [...ledger.copies, copy] }));
};

test('all that the newest local copy holds is there', async () => {
  await addCopy('20261121T010003Z', ['a', 'b', 'c', 'd']);
  await addCopy('20261122T010003Z', ['a', 'b']);
  await mkdir(join(claimLayout(on.claim).copies, '20261123T010003Z.partial'));
  await on.put('app', { a: 'a', b: 'b' });
  const run = await on.run('inspect');
  expect(outcomeOf(run)).toEqual(['Succeeded', 'Untouched']);
  expect(run.result.restore?.destination).toEqual({
    server: 'files 1.2',
    present: true,
    objects: 2,
    rows: 20,
    missing: [],
    missingCount: 0,
    expectedRows: 20,
    expectedTime: '2026-11-22T01:00:03Z',
    healthy: true,
    summary:
      'Nothing of what the local copy of 2026-11-22T01:00:03Z holds is missing. There are 2 objects, 20 rows as then.',
  });
  expect((await on.ledger()).runs).toEqual([]);
});

test('a loss: what is missing is named, and touched is nothing', async () => {
  await addCopy('20261122T010003Z', ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  await on.put('app', { a: 'a' });
  const before = await on.databases();
  const { result } = await on.run('inspect');
  expect(result.restore?.destination).toMatchObject({
    missing: ['b', 'c', 'd', 'e', 'f'],
    missingCount: 6,
    healthy: false,
    summary: expect.stringMatching(/^6 of what .* are missing \(b, c, d, e, f, …\)/),
  });
  expect(await on.databases()).toEqual(before);
});

test('facts that are not those that were recorded are no evidence: the copy before them is', async () => {
  await addCopy('20261121T010003Z', ['a']);
  await addCopy('20261122T010003Z', ['a', 'b'], 'b'.repeat(64));
  await on.put('app', { a: 'a' });
  const { result } = await on.run('inspect');
  expect(result.restore?.destination).toMatchObject({ healthy: true, expectedTime: '2026-11-21T01:00:03Z' });
});

test('no local copy: what is there is not said to be lost', async () => {
  await on.put('app', { a: 'a' });
  const { result } = await on.run('inspect');
  expect(result.restore?.destination).toMatchObject({ present: true, healthy: true });
  expect(result.restore?.destination?.expectedTime).toBeUndefined();
});

test('nothing is there', async () => {
  await addCopy('20261122T010003Z', ['a']);
  const { result } = await on.run('inspect');
  expect(result.restore?.destination).toMatchObject({ present: false, healthy: false });
});

test.each([
  { reason: 'the server does not answer', options: { fault: 'no server' }, expected: 'SourceUnreachable at Inspect' },
  {
    reason: 'the name is taken',
    options: { into: { by: 'Name', name: 'app' } as const },
    expected: 'DestinationNotEmpty at Inspect',
  },
])('$reason: it fails, and says nothing of what is there', async ({ options, expected }) => {
  await on.put('app', { a: 'a' });
  const run = await on.run('inspect', options);
  expect(outcomeOf(run)).toEqual([expected, 'Untouched']);
  expect(run.result.restore?.destination).toBeUndefined();
});

describe('what a restore left is removed', () => {
  const names = [`holdfast_${restoreId}_new_app`, `holdfast_${restoreId}_old_app`] as const;
  test.each([
    { what: 'Loaded', left: [names[1]] },
    { what: 'SafetyCopy', left: [names[0]] },
  ] as const)('$what, and nothing else; twice is no failure', async ({ what, left }) => {
    for (const name of [...names, 'app', 'holdfast_ffffffff_old_app']) await on.put(name, { a: 'a' });
    for (const time of ['once', 'twice']) {
      expect([time, ...outcomeOf(await on.run('discard', { what }))]).toEqual([time, 'Succeeded', undefined]);
      expect(Object.keys(await on.databases()).toSorted()).toEqual(
        ['app', 'holdfast_ffffffff_old_app', ...left].toSorted(),
      );
    }
  });
});
