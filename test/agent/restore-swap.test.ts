import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { Gate } from '../../src/api/v1alpha1/gate.ts';
import { claimLayout } from '../../src/agent/layout.ts';
import { waitFor } from './support/processes.ts';
import { backupOf, held, makeRestoreBench, outcomeOf, restoreId, type RestoreBench } from './support/restore-bench.ts';

// The exchange, and the operator's word that it waits for. See support/directory-restorer.ts for the engine.

let on: RestoreBench;
beforeEach(async () => {
  on = await makeRestoreBench();
  await on.put('app', old);
  await on.handOver(backupOf(saved));
  // As the container that loads leaves it, which the first test makes sure of.
  await on.put(loaded, saved);
});
afterEach(() => on.remove());

const old = { a: 'old a', x: 'old x' };
const saved = { a: 'saved a', b: 'saved b', c: 'saved c' };
const loaded = `holdfast_${restoreId}_new_app`;
const aside = `holdfast_${restoreId}_old_app`;

test('the restored data takes the place of the present, which is set aside; then it is compared again', async () => {
  const asLoaded = await on.databases();
  expect(outcomeOf(await on.run('load'))).toEqual(['Succeeded', 'Untouched']);
  expect(await on.databases()).toEqual(asLoaded);
  const before = Math.floor(Date.now() / 1000) * 1000;
  await on.tell(held());
  const swap = await on.run('swap');
  expect(outcomeOf(swap)).toEqual(['Succeeded', 'Replaced']);
  expect(swap.result.restore?.safetyCopy).toEqual({
    kind: 'Directory',
    names: [aside],
    count: 1,
    howToUse: 'Rename it.',
  });
  expect(await on.databases()).toEqual({ app: saved, [aside]: old });
  const { restored, runs } = await on.ledger();
  expect(restored?.request).toBe('agama-is-lost');
  expect(Date.parse(restored?.time ?? '')).toBeGreaterThanOrEqual(before);
  // The lock is free again, and the run is over when it was compared, not before.
  await execa('flock', ['--nonblock', claimLayout(on.claim).dumpLock, 'true']);
  expect(runs).toEqual([]);
  const check = await on.run('check');
  expect(outcomeOf(check)).toEqual(['Succeeded', 'Replaced']);
  expect(check.result.restore?.compared).toMatchObject({ objects: 3, rows: 30, factsDigest: on.set.factsDigest });
  expect((await on.ledger()).runs).toMatchObject([{ kind: 'Restore', outcome: 'Succeeded' }]);
});

describe('nothing is replaced before the operator says so', () => {
  test('it waits, also for a word that is of now', async () => {
    await on.tell('');
    const started = await on.start('swap');
    await started.reached('step Wait');
    await on.tell(held(-60));
    await sleep(1500);
    expect(await on.databases()).toEqual({ app: old, [loaded]: saved });
    expect((await on.ledger()).restored).toBeUndefined();
    await on.tell(held());
    expect(outcomeOf(await started.done)).toEqual(['Succeeded', 'Replaced']);
  });

  test.each<{ reason: string; gate: Gate | string; expected: string; says?: RegExp }>([
    { reason: 'it says nothing', gate: '', expected: 'QuiesceTimeout at Wait' },
    { reason: 'what it says cannot be read', gate: '{"state":"Held"}', expected: 'QuiesceTimeout at Wait' },
    {
      reason: 'it has said so a minute ago, and is gone',
      gate: held(-60),
      expected: 'QuiesceTimeout at Wait',
      says: /its last word is of .*, and by the clock of this node it is/,
    },
    { reason: 'its clock is a minute ahead', gate: held(60), expected: 'QuiesceTimeout at Wait' },
    {
      reason: 'the workloads cannot be stopped',
      gate: { state: 'Refused', message: 'There is no Deployment shop.' },
      expected: 'QuiesceFailed at Wait',
      says: /^There is no Deployment shop\./,
    },
    {
      reason: 'the request was cancelled',
      gate: { state: 'Refused', message: 'The request was cancelled.', cancelled: true },
      expected: 'RestoreCancelled at Wait',
    },
  ])('$reason: the present data stays, what was loaded goes', async ({ gate, expected, says = /./ }) => {
    await on.tell(gate);
    const run = await on.run('swap', { waitSeconds: 1 });
    expect(outcomeOf(run)).toEqual([expected, 'Untouched']);
    expect(run.result.failure?.message).toMatch(says);
    expect(await on.databases()).toEqual({ app: old });
    expect((await on.ledger()).restored).toBeUndefined();
  });

  test.each<{
    reason: string;
    end: (started: Awaited<ReturnType<RestoreBench['start']>>) => Promise<void> | void;
    expected: string;
  }>([
    {
      reason: 'a cancel while it waits',
      end: () => on.tell({ state: 'Refused', message: 'Cancelled.', cancelled: true }),
      expected: 'RestoreCancelled at Wait',
    },
    { reason: 'SIGTERM while it waits', end: (started) => started.terminate(), expected: 'Interrupted at Wait' },
  ])('$reason: the present data stays, what was loaded goes', async ({ end, expected }) => {
    await on.tell('');
    const started = await on.start('swap');
    await started.reached('step Wait');
    await sleep(500);
    await end(started);
    expect(outcomeOf(await started.done)).toEqual([expected, 'Untouched']);
    expect(await on.databases()).toEqual({ app: old });
  });

  /** What a dump that runs holds. */
  const holdDumpLock = async (): Promise<() => Promise<void>> => {
    const path = claimLayout(on.claim).dumpLock;
    await mkdir(dirname(path), { recursive: true });
    const holder = execa('flock', ['--no-fork', path, 'sleep', '300'], { reject: false });
    const isHeld = async (): Promise<boolean> =>
      (await execa('flock', ['--nonblock', path, 'true'], { reject: false })).exitCode === 1;
    await waitFor('the lock', isHeld);
    return async () => {
      holder.kill();
      await holder;
    };
  };

  test('a dump that runs is waited for; by then the word may be old, and another one is', async () => {
    const release = await holdDumpLock();
    try {
      await on.tell(held());
      const started = await on.start('swap');
      await started.reached('step Lock');
      await on.tell(held(-60));
      await sleep(1500);
      expect(started.log().match(/step Wait/g)).toHaveLength(1);
      await release();
      await waitFor('the second wait', async () => started.log().match(/step Wait/g)?.length === 2);
      await sleep(500);
      expect((await on.ledger()).restored).toBeUndefined();
      expect(await on.databases()).toEqual({ app: old, [loaded]: saved });
      await on.tell(held());
      expect(outcomeOf(await started.done)).toEqual(['Succeeded', 'Replaced']);
    } finally {
      await release();
    }
  });

  test('a dump that does not end: nothing is replaced', async () => {
    const release = await holdDumpLock();
    try {
      await on.tell(held());
      expect(outcomeOf(await on.run('swap', { waitSeconds: 2 }))).toEqual(['AnotherRunActive at Lock', 'Untouched']);
      expect(await on.databases()).toEqual({ app: old });
    } finally {
      await release();
    }
  });

  test.each<{ reason: string; gate: () => Gate; expected: string }>([
    { reason: 'the word is old by then', gate: () => held(-60), expected: 'QuiesceTimeout at Swap' },
    {
      reason: 'it was cancelled by then',
      gate: () => ({ state: 'Refused', message: 'Cancelled.', cancelled: true }),
      expected: 'RestoreCancelled at Swap',
    },
    {
      reason: 'somebody started a workload by then',
      gate: () => ({ state: 'Refused', message: 'Started.' }),
      expected: 'QuiesceFailed at Swap',
    },
  ])('an engine that takes long before its first change: $reason', async ({ gate, expected }) => {
    await on.tell(held());
    const started = await on.start('swap', { fault: 'pause at swap' });
    await started.reached('reached swap');
    await on.tell(gate());
    expect(outcomeOf(await started.done)).toEqual([expected, 'Untouched']);
    expect(await on.databases()).toEqual({ app: old });
    // It was about to be, and nobody who is killed then could say so.
    expect((await on.ledger()).restored?.request).toBe('agama-is-lost');
  });
});

describe('an exchange that fails', () => {
  test.each([
    {
      reason: 'and is undone',
      fault: 'the exchange fails',
      expected: ['ExchangeFailed at Swap', 'PutBack'],
      left: { app: old },
    },
    {
      reason: 'and cannot be undone: what was loaded is needed, and stays',
      fault: 'the exchange fails for good',
      expected: ['ExchangeFailed at Swap', 'Unavailable'],
      left: { [aside]: old, [loaded]: saved, [`journal_${restoreId}`]: {} },
    },
    {
      reason: 'since the engine cannot do it',
      fault: 'it is not supported',
      expected: ['DestinationUnsupported at Swap', 'Untouched'],
      left: { app: old },
    },
    {
      reason: 'without a word of what it did: nobody knows',
      fault: 'it says nothing',
      expected: ['InternalError at Prepare', 'Unavailable'],
      left: { app: old, [loaded]: saved },
    },
  ])('$reason', async ({ fault, expected, left }) => {
    await on.tell(held());
    const run = await on.run('swap', { fault });
    expect(outcomeOf(run)).toEqual(expected);
    expect(await on.databases()).toEqual(left);
    expect((await on.ledger()).restored?.request).toBe('agama-is-lost');
  });

  test.each([
    { at: 'the journal', state: 'PutBack', left: { app: old } },
    { at: 'the present aside', state: 'PutBack', left: { app: old } },
    { at: 'the restored in place', state: 'PutBack', left: { app: old } },
    { at: 'the end of the swap', state: 'Replaced', left: { app: saved, [aside]: old } },
  ])('SIGTERM at $at: the result says what is there', async ({ at, state, left }) => {
    await on.tell(held());
    const started = await on.start('swap', { fault: `stop at ${at}` });
    await started.reached(`reached ${at}`);
    started.terminate();
    expect(outcomeOf(await started.done)).toEqual(['Interrupted at Swap', state]);
    expect(await on.databases()).toEqual(left);
  });
});

describe('what is in place is compared', () => {
  beforeEach(() => on.tell(held()));

  test('it differs: it is not said to be whole', async () => {
    expect(outcomeOf(await on.run('swap', { fault: 'a byte in place' }))).toEqual(['Succeeded', 'Replaced']);
    const run = await on.run('check');
    expect(outcomeOf(run)).toEqual(['ContentDiffers at Check', 'Unavailable']);
    expect(run.result.failure?.message).toContain('file a: another digest');
    expect((await on.ledger()).runs).toMatchObject([{ outcome: 'Failed' }]);
  });

  test('it cannot be looked at: nothing is said of it', async () => {
    await on.run('swap');
    const run = await on.run('check', { fault: 'no server' });
    expect(outcomeOf(run)).toEqual(['SourceUnreachable at Check', undefined]);
    expect(run.result.restore?.compared).toBeUndefined();
  });

  test('what was fetched was changed meanwhile', async () => {
    await on.run('swap');
    await writeFile(join(on.fetched, 'latest/facts.json'), '{}');
    expect(outcomeOf(await on.run('check'))).toEqual(['BackupDamaged at Prepare', undefined]);
  });
});
