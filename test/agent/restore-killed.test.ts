import { execa } from 'execa';
import { claimLayout } from '../../src/agent/layout.ts';
import { backupOf, held, makeRestoreBench, outcomeOf, restoreId, type RestoreBench } from './support/restore-bench.ts';

// A restore that is killed at any moment, and made again, by itself or by another: the old data, the new data, or what is put back first.

let on: RestoreBench;
beforeEach(async () => {
  on = await makeRestoreBench();
  await on.put('app', old);
  await on.handOver(backupOf(saved));
});
afterEach(() => on.remove());

const old = { a: 'old a', x: 'old x' };
const saved = { a: 'saved a', b: 'saved b', c: 'saved c' };
const otherId = 'fedcba98';
const asideOf = (id: string): string => `holdfast_${id}_old_app`;
const loadedOf = (id: string): string => `holdfast_${id}_new_app`;

/** A whole restore with this id, which leaves nothing half done, whatever was there. */
const restoreAgain = async (id: string): Promise<void> => {
  await on.tell(held());
  expect(outcomeOf(await on.run('load', { id }))).toEqual(['Succeeded', 'Untouched']);
  await on.tell(held());
  expect(outcomeOf(await on.run('swap', { id }))).toEqual(['Succeeded', 'Replaced']);
  expect(outcomeOf(await on.run('check', { id }))).toEqual(['Succeeded', 'Replaced']);
  const there = await on.databases();
  expect(there['app']).toEqual(saved);
  expect(Object.keys(there).filter((name) => name.startsWith('journal'))).toEqual([]);
  expect(there[loadedOf(id)]).toBeUndefined();
};

const locksAreFree = async (): Promise<void> => {
  const { dumpLock, ledgerLock } = claimLayout(on.claim);
  for (const lock of [dumpLock, ledgerLock]) await execa('flock', ['--nonblock', lock, 'true']);
};

describe.each([
  { who: 'the same restore', id: restoreId },
  { who: 'another one', id: otherId },
])('killed, and then $who', ({ id }) => {
  test.each(['recover', 'half of the load', 'the end of the load', 'compare'])('while it loads, at %s', async (at) => {
    const started = await on.start('load', { fault: `stop at ${at}` });
    await started.reached(`reached ${at}`);
    await started.kill();
    expect((await on.databases())['app']).toEqual(old);
    expect((await on.ledger()).restored).toBeUndefined();
    await restoreAgain(id);
    expect((await on.databases())[asideOf(id)]).toEqual(old);
  });

  test('while it waits for the operator', async () => {
    await on.run('load');
    await on.tell('');
    const started = await on.start('swap');
    await started.reached('step Wait');
    await started.kill();
    expect((await on.databases())['app']).toEqual(old);
    await restoreAgain(id);
    expect((await on.databases())[asideOf(id)]).toEqual(old);
  });

  test.each([
    { at: 'swap', now: old },
    { at: 'the journal', now: old },
    { at: 'the present aside', now: undefined },
    { at: 'the restored in place', now: saved },
    { at: 'the end of the swap', now: saved },
  ])('while it replaces, at $at', async ({ at, now }) => {
    await on.run('load');
    await on.tell(held());
    const started = await on.start('swap', { fault: `stop at ${at}` });
    await started.reached(`reached ${at}`);
    await started.kill();
    const there = await on.databases();
    expect(there['app']).toEqual(now);
    // What was there is there still, in its place or aside.
    expect(Object.values(there)).toContainEqual(old);
    // Whatever it came to: the next backup is a full.
    expect((await on.ledger()).restored?.request).toBe('agama-is-lost');
    await locksAreFree();

    const load = await on.run('load', { id });
    const done = at === 'the end of the swap';
    expect(load.result.notes.map(({ reason }) => reason)).toEqual(done || at === 'swap' ? [] : ['PutBackFirst']);
    expect((await on.databases())['app']).toEqual(done ? saved : old);
    await restoreAgain(id);
    expect(Object.values(await on.databases())).toContainEqual(old);
  });
});
