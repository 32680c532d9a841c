import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  backupOf,
  makeRestoreBench,
  outcomeOf,
  restoreId,
  type RestoreBench,
  type RunOptions,
} from './support/restore-bench.ts';

// Loading and comparing beside the present data, with an engine that is real and small: see support/directory-restorer.ts.

let on: RestoreBench;
beforeEach(async () => {
  on = await makeRestoreBench();
  await on.put('app', old);
});
afterEach(() => on.remove());

const old = { a: 'old a', x: 'old x' };
const saved = { a: 'saved a', b: 'saved b', c: 'saved c' };
const loaded = `holdfast_${restoreId}_new_app`;

describe('beside the present data', () => {
  test('loaded and equal: the present data is untouched, and what was compared is said', async () => {
    await on.handOver(backupOf(saved));
    const run = await on.run('load');
    expect(outcomeOf(run)).toEqual(['Succeeded', 'Untouched']);
    expect(run.result.restore?.compared).toEqual({
      objects: 3,
      rows: 30,
      factsDigest: on.set.factsDigest,
      loadSeconds: expect.any(Number),
      compareSeconds: expect.any(Number),
    });
    expect(await on.databases()).toEqual({ app: old, [loaded]: saved });
    // A restore in place is not over yet.
    expect((await on.ledger()).runs).toEqual([]);
  });

  test.each<{
    reason: string;
    facts?: object;
    factsKnown?: boolean;
    options: RunOptions;
    expected: unknown[];
  }>([
    { reason: 'a byte is another', options: { fault: 'a byte' }, expected: ['ContentDiffers at Compare', 'Untouched'] },
    {
      reason: 'the server refuses it',
      options: { fault: 'it refuses' },
      expected: ['BackupNotLoadable at Load', 'Untouched'],
    },
    {
      reason: 'something is not witnessed',
      facts: { unknown: ['view v'] },
      options: {},
      expected: ['FactsUnknown at Compare', 'Untouched'],
    },
    {
      reason: 'the facts were not known',
      factsKnown: false,
      options: {},
      expected: ['FactsUnknown at Compare', 'Untouched'],
    },
    {
      reason: 'the deadline passes',
      options: { fault: 'stop at half of the load', deadlineSeconds: 3 },
      expected: ['DeadlineExceeded at Load', 'Untouched'],
    },
    {
      reason: 'the server does not answer, so nobody saw whether a restore was killed there',
      options: { fault: 'no server' },
      expected: ['SourceUnreachable at PutBack', undefined],
    },
  ])('$reason: it fails, and nothing of it is left', async ({ facts, factsKnown = true, options, expected }) => {
    await on.handOver(backupOf(saved, facts));
    if (!factsKnown) {
      const { factsDigest: _, ...set } = on.set;
      await on.handOver(backupOf(saved), { ...set, factsDigest: undefined });
    }
    const run = await on.run('load', options);
    expect(outcomeOf(run)).toEqual(expected);
    expect(run.result.restore?.compared).toBeUndefined();
    expect(await on.databases()).toEqual({ app: old });
    expect((await on.ledger()).runs).toMatchObject([{ kind: 'Restore', outcome: 'Failed' }]);
  });

  test('SIGTERM in the middle: what was loaded is removed, the present data is as it was', async () => {
    await on.handOver(backupOf(saved));
    const started = await on.start('load', { fault: 'stop at half of the load' });
    await started.reached('reached half of the load');
    started.terminate();
    expect(outcomeOf(await started.done)).toEqual(['Interrupted at Load', 'Untouched']);
    expect(await on.databases()).toEqual({ app: old });
  });

  test('what cannot be removed again is told, and does not hide why it failed', async () => {
    await on.handOver(backupOf(saved));
    const run = await on.run('load', { fault: 'discarding fails' });
    expect(outcomeOf(run)).toEqual(['ContentDiffers at Compare', 'Untouched']);
    expect(run.result.notes).toEqual([
      { reason: 'LeftBehind', message: 'What was loaded could not be removed: The server does not answer.' },
    ]);
  });

  // Side by side, since both wait for a time limit.
  test('nor does a removal that hangs, whether it was stopped meanwhile or not: it has a time limit', async () => {
    const other = await makeRestoreBench();
    const stopped = async (): Promise<void> => {
      await other.put('app', old);
      await other.handOver(backupOf(saved));
      const started = await other.start('load', { fault: 'discarding hangs' });
      await started.reached('"mismatch"');
      await sleep(500);
      started.terminate();
      const run = await started.done;
      expect(outcomeOf(run)).toEqual(['ContentDiffers at Compare', 'Untouched']);
      expect(run.seconds).toBeLessThan(25);
    };
    const left = async (): Promise<void> => {
      await on.handOver(backupOf(saved));
      const run = await on.run('load', { fault: 'discarding hangs', deadlineSeconds: 10 });
      expect(outcomeOf(run)).toEqual(['ContentDiffers at Compare', 'Untouched']);
      expect(run.result.notes[0]?.reason).toBe('LeftBehind');
      // At the latest 15 s after the deadline, all would have been over without that.
      expect(run.seconds).toBeLessThan(20);
    };
    try {
      await Promise.all([left(), stopped()]);
    } finally {
      await other.remove();
    }
  }, 40_000);

  test.each([
    {
      reason: 'another set than was planned',
      set: { setDigest: 'b'.repeat(64) },
      expected: 'InternalError at Prepare',
    },
    {
      reason: 'of the planned time, with other facts',
      set: { factsDigest: 'b'.repeat(64) },
      expected: 'InternalError at Prepare',
    },
  ])('$reason was fetched: it is not loaded', async ({ set, expected }) => {
    await on.handOver(backupOf(saved));
    const run = await on.run('load', { set: { ...on.set, ...set } });
    expect(outcomeOf(run)).toEqual([expected, 'Untouched']);
    expect(await on.databases()).toEqual({ app: old });
  });

  test('the facts were changed after they were fetched: they are no witness', async () => {
    await on.handOver(backupOf(saved));
    await writeFile(join(on.fetched, 'latest/facts.json'), '{"server":"files 1.2","files":{}}');
    expect(outcomeOf(await on.run('load'))).toEqual(['BackupDamaged at Prepare', 'Untouched']);
    expect(await on.databases()).toEqual({ app: old });
  });
});

describe('where it is to stay', () => {
  test.each([
    { reason: 'a new database', into: { by: 'Name', name: 'copy' } as const, name: 'copy' },
    { reason: 'another server', into: { by: 'SameNames' } as const, name: 'app' },
  ])('$reason: loaded and equal, and the run is over', async ({ into, name }) => {
    if (name === 'app') await on.put('other', old);
    await on.handOver(backupOf(saved));
    const taken = await on.run('load', { into: { by: 'Name', name: 'app' }, fault: 'it removes by name' });
    // Something is there by that name: it is not touched, nor removed as if it had been loaded.
    expect(outcomeOf(taken)).toEqual(['DestinationNotEmpty at Load', 'Untouched']);
    expect((await on.databases())['app']).toEqual(old);
    if (name === 'app') {
      await on.remove();
      on = await makeRestoreBench();
      await on.handOver(backupOf(saved));
    }
    const run = await on.run('load', { into });
    expect(outcomeOf(run)).toEqual(['Succeeded', 'Replaced']);
    expect((await on.databases())[name]).toEqual(saved);
    expect((await on.ledger()).runs.at(-1)).toMatchObject({ kind: 'Restore', outcome: 'Succeeded' });
  });

  const into = { by: 'Name', name: 'copy' } as const;

  test('what is not witnessed may stay, and that is told', async () => {
    await on.handOver(backupOf(saved, { unknown: ['view v'] }));
    const { result } = await on.run('load', { into });
    expect([result.outcome, result.restore?.state]).toEqual(['Succeeded', 'Replaced']);
    expect(result.restore?.compared?.factsDigest).toBeUndefined();
    expect(result.notes).toEqual([
      { reason: 'FactsUnknown', message: expect.stringContaining('do not witness view v') },
    ]);
  });

  test('where all is witnessed, nothing is to be told', async () => {
    await on.handOver(backupOf(saved));
    const { result } = await on.run('load', { into });
    expect(result.restore?.compared?.factsDigest).toBe(on.set.factsDigest);
    expect(result.notes).toEqual([]);
  });

  test('what differs may not: it is removed', async () => {
    await on.handOver(backupOf(saved, { unknown: ['view v'] }));
    const run = await on.run('load', { into: { by: 'Name', name: 'copy' }, fault: 'a byte' });
    expect(outcomeOf(run)).toEqual(['ContentDiffers at Compare', 'Untouched']);
    expect(Object.keys(await on.databases())).toEqual(['app']);
  });
});
