import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { handover } from '../../src/agent/fetch/handover.ts';
import { claimLayout } from '../../src/agent/layout.ts';
import type { BringTask } from '../../src/api/v1alpha1/task.ts';
import { digests, readDigests } from './support/duplicity-bench.ts';
import { processesOf, waitFor } from './support/processes.ts';
import { expectNothingLeft, flipBit, makeShippedBench, type ShippedBench } from './support/shipped-bench.ts';

// The set that was planned is fetched, and no other: two chains in a real repository, of which the older one is restored.

let on: ShippedBench;
beforeAll(async () => {
  on = await makeShippedBench({ kinds: ['Full', 'Incremental', 'Full', 'Incremental'] });
}, 400_000);
afterAll(() => on.stop());
beforeEach(() => on.reset());

/** As it was planned: the incremental of the older chain. */
const plan = async (): Promise<BringTask['set']> => {
  const { result } = await on.bench.resolve({ point: { by: 'Before', time: '2026-01-03T01:00:03Z' } });
  const set = result.restore?.point?.set;
  if (set === undefined) throw new Error(`not resolved: ${JSON.stringify(result)}`);
  return set;
};

const ownFiles = ['fetched.json', 'latest', 'restore.json'];

const expectFetched = async (set: BringTask['set']): Promise<void> => {
  const given = handover.parse(JSON.parse(await readFile(join(on.bench.fetched, 'fetched.json'), 'utf8')));
  expect(given.latest.set).toEqual(set);
  expect(await readDigests(join(on.bench.fetched, 'latest'))).toEqual(digests(on.copies[1] ?? {}));
  expect((await readdir(on.bench.fetched)).toSorted()).toEqual(ownFiles);
  expect(await readdir(on.bench.scratch)).toEqual([]);
  expect(await processesOf(on.bench.scratch)).toEqual([]);
};

test('the very set, although there are newer ones', async () => {
  const set = await plan();
  expect(set).toMatchObject({ type: 'Incremental', chain: on.chains[0], dataTime: '2026-01-02T01:00:03Z' });
  const { exitCode, result } = await on.bench.bring({ set });
  expect([exitCode, result.outcome, result.failure]).toEqual([0, 'Succeeded', undefined]);
  expect(result.restore).toEqual({
    state: 'Untouched',
    fetched: { bytes: expect.any(Number), seconds: expect.any(Number) },
  });
  await expectFetched(set);
}, 60_000);

describe('what is no longer as it was planned', () => {
  /** How it fails, with nothing left of it. */
  const failureOf = async (set: BringTask['set']): Promise<unknown[]> => {
    const { exitCode, result } = await on.bench.bring({ set });
    await expectNothingLeft(on.bench);
    return [exitCode, result.restore?.state, result.failure?.reason, result.failure?.message];
  };
  const refused = (reason: string, says: RegExp): unknown[] => [1, 'Untouched', reason, expect.stringMatching(says)];

  test('retention removed it since', async () => {
    const set = await plan();
    const pruned = await on.bench.prune({ asOf: '2026-01-20T00:00:00Z', retention: { keepFullChains: 1 } });
    expect(pruned.result.retention?.removed).toBe(1);
    expect(await failureOf(set)).toEqual(
      refused(
        'PointNotAvailable',
        /no longer there as it was planned: its chain is not recorded any more\. The earliest is 2026-01-03T01:00:03Z, the latest 2026-01-04/,
      ),
    );
  }, 60_000);

  test('another set is recorded in its place', async () => {
    const set = await plan();
    const ledger = await on.bench.ledger();
    const [first, ...rest] = ledger.chains;
    const sets = first?.sets.map((each) => ({ ...each, setDigest: 'b'.repeat(64) })) ?? [];
    const chains = [{ ...first, sets }, ...rest];
    await writeFile(claimLayout(on.bench.claim).ledger, JSON.stringify({ ...ledger, chains }));
    expect(await failureOf(set)).toEqual(refused('PointNotAvailable', /its manifest is another one now/));
  }, 60_000);

  test('a file of it was cut', async () => {
    const set = await plan();
    await truncate(await on.file('.vol1.', 0, on.chains[0]), 100);
    expect(await failureOf(set)).toEqual(
      refused('PointNotAvailable', /vol1.* has 100 bytes instead of .*\. The earliest is 2026-01-03/),
    );
  }, 60_000);

  test('its volume was exchanged for other bytes: that is remembered, and the next plan is for another set', async () => {
    const set = await plan();
    const path = await on.file('-full.', 1, on.chains[0]);
    await writeFile(path, randomBytes((await stat(path)).size));
    expect(await failureOf(set)).toEqual(refused('BackupDamaged', /vol\d.* is not what was stored/));
    expect((await on.bench.ledger()).chains[0]?.damaged).toMatch(/is not what was stored/);
    const again = await on.bench.resolve({ point: { by: 'Before', time: '2026-01-03T01:00:03Z' } });
    expect(again.result.failure?.reason).toBe('PointNotAvailable');
    expect(again.result.failure?.message).toMatch(
      /with data of 2026-01-02T01:00:03Z, is not restored: .*not what was stored/,
    );
    const latest = await on.bench.resolve();
    expect(latest.result.restore?.point).toMatchObject({
      set: { chain: on.chains[1] },
      earliest: '2026-01-03T01:00:03Z',
    });
  }, 90_000);

  test('its manifest was changed by a bit', async () => {
    const set = await plan();
    await flipBit(await on.file('-inc.', 0, on.chains[0]), -5);
    expect(await failureOf(set)).toEqual(refused('BackupDamaged', /manifest/));
  }, 60_000);
});

describe('what else lies where it is to be laid', () => {
  test('is not touched', async () => {
    const set = await plan();
    await mkdir(join(on.bench.fetched, 'latest'), { recursive: true });
    await writeFile(join(on.bench.fetched, 'latest/mine'), 'mine');
    const { result } = await on.bench.bring({ set });
    expect(result.failure).toMatchObject({ step: 'Prepare', reason: 'DestinationNotEmpty' });
    expect(await readFile(join(on.bench.fetched, 'latest/mine'), 'utf8')).toBe('mine');
  });

  test('of an earlier request of the same name, likewise; of the same one it is made anew', async () => {
    const set = await plan();
    const request = { name: 'agama-is-lost', uid: 'earlier' };
    expect((await on.bench.bring({ set, request })).result.outcome).toBe('Succeeded');
    expect((await on.bench.bring({ set })).result.failure?.reason).toBe('DestinationNotEmpty');
    await expectFetched(set);
    await appendFile(join(on.bench.fetched, 'latest/facts.json'), 'x');
    expect((await on.bench.bring({ set, request })).result.outcome).toBe('Succeeded');
    await expectFetched(set);
  }, 90_000);
});

test('SIGTERM: nothing is left', async () => {
  const set = await plan();
  const started = await on.bench.startBring({ set });
  await waitFor('the fetch', async () => started.log().includes('step Fetch'));
  process.kill(started.pid, 'SIGTERM');
  const { result } = await started.done;
  expect(result.failure?.reason).toBe('Interrupted');
  await expectNothingLeft(on.bench);
}, 60_000);

test.each([
  'step Prepare',
  'step Lock',
  'step Connect',
  'step Repository',
  'a set is fetched',
  'step Check',
  'step Finish',
])(
  'killed at "%s": nothing is handed over but what is whole, and a second run brings it',
  async (at) => {
    const set = await plan();
    const started = await on.bench.startBring({ set });
    await waitFor(at, async () => started.log().includes(at));
    process.kill(started.pid, 'SIGKILL');
    await started.done.catch(() => undefined);
    // As its container does, it takes its connection with it; what still runs over one goes on.
    for (const { pid, command } of await processesOf(on.bench.scratch))
      if (command.includes('[mux]')) process.kill(pid, 'SIGKILL');
    const { result } = await on.bench.bring({ set });
    expect([result.outcome, result.failure]).toEqual(['Succeeded', undefined]);
    // One that was just being made is kept for seconds.
    await waitFor('the end of all connections', async () => (await processesOf(on.bench.scratch)).length === 0);
    await expectFetched(set);
  },
  90_000,
);
