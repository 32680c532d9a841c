import { benchForEach } from './support/bench-for-each.ts';
import { startVolumeRepository } from './support/repositories.ts';
import { backupOf, held, makeRestoreBench, outcomeOf, restoreId } from './support/restore-bench.ts';
import { madeBy } from './support/ship-outcomes.ts';

// A whole restore, one container after the other, from a real repository; and what the backups after it do.

const on = benchForEach(startVolumeRepository);

test('resolved, brought, loaded, exchanged, compared; then the next backup is a full, and those after it continue that', async () => {
  const contents = [1, 2].map((number) => ({ a: `a of ${number}`, b: 'b' }));
  for (const [index, content] of contents.entries()) {
    const dataTime = `2026-01-0${index + 1}T01:00:03Z`;
    await on.bench.addCopy(backupOf(content, { dataTime }));
    expect(madeBy(await on.bench.ship({ kind: index === 0 ? 'Full' : 'Incremental' }))).toHaveLength(1);
  }
  const lost = { a: 'written by mistake' };
  const restore = await makeRestoreBench({ claim: on.bench.claim, fetched: on.bench.fetched });
  try {
    await restore.put('app', lost);
    const looked = await restore.run('inspect');
    expect(looked.result.restore?.destination).toMatchObject({ healthy: false, missing: ['b'] });
    const resolved = await on.bench.resolve({ point: { by: 'Before', time: '2026-01-02T01:00:03Z' } });
    const set = resolved.result.restore?.point?.set;
    if (set === undefined) throw new Error(resolved.log);
    expect(set).toMatchObject({ type: 'Full', dataTime: '2026-01-01T01:00:03Z' });
    expect((await on.bench.bring({ set })).result.failure).toBeUndefined();
    expect(outcomeOf(await restore.run('load', { set }))).toEqual(['Succeeded', 'Untouched']);
    await restore.tell(held());
    expect(outcomeOf(await restore.run('swap', { set }))).toEqual(['Succeeded', 'Replaced']);
    expect(outcomeOf(await restore.run('check', { set }))).toEqual(['Succeeded', 'Replaced']);
    expect(await restore.databases()).toEqual({ app: contents[0], [`holdfast_${restoreId}_old_app`]: lost });
  } finally {
    await restore.remove();
  }

  const { restored } = await on.bench.ledger();
  expect(restored?.request).toBe('agama-is-lost');
  const after = (minutes: number): Date => new Date(Date.parse(restored?.time ?? '') + minutes * 60_000);
  const ship = async (dataTime: Date): Promise<unknown[]> => {
    await on.bench.addCopy(backupOf({ a: dataTime.toISOString() }), { dataTime });
    return madeBy(await on.bench.ship({ kind: 'Incremental' }));
  };
  // A copy of before the restore that is shipped after it begins no chain that is continued.
  expect(await ship(after(-1))).toEqual(['Full', 'FullAfterRestore']);
  expect(await ship(after(1))).toEqual(['Full', 'FullAfterRestore']);
  expect(await ship(after(2))).toEqual(['Incremental']);
  expect(await on.bench.chains()).toHaveLength(3);
}, 180_000);
