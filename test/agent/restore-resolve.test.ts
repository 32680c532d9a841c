import { readdir, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { RestorePointAsked } from '../../src/api/v1alpha1/restore-report.ts';
import { benchForEach } from './support/bench-for-each.ts';
import { repositoryKinds } from './support/repositories.ts';

// Which set a point stands for, by the ledger and a listing of a real repository.

const day = (number: number): Date => new Date(Date.UTC(2026, 0, number, 1, 0, 3));
const stamp = (number: number): string => day(number).toISOString().replace('.000', '');

describe.each(repositoryKinds)('a repository by $kind', ({ start }) => {
  const on = benchForEach(start);

  const addChains = async (): Promise<[string, string]> => [
    await on.bench.addChain([day(1), day(2), day(3)], { rows: 7, bytes: 1234 }),
    await on.bench.addChain([day(8), day(9)]),
  ];

  const resolved = async (point: RestorePointAsked): Promise<unknown> => {
    const { exitCode, result } = await on.bench.resolve({ point });
    expect(exitCode).toBe(result.outcome === 'Succeeded' ? 0 : 1);
    return result.restore?.point?.set.dataTime ?? result.failure?.reason;
  };

  test('each kind of point, and one before the first', async () => {
    const [older] = await addChains();
    const { result } = await on.bench.resolve({ point: { by: 'At', time: '2026-01-05T00:00:00Z' } });
    const set = (await on.bench.ledger()).chains[0]?.sets[2];
    expect(result.restore?.point).toEqual({
      set: {
        type: 'Incremental',
        setTime: stamp(3),
        dataTime: stamp(3),
        chain: older,
        setDigest: set?.setDigest,
      },
      sets: 3,
      storedBytes: (await on.bench.ledger()).chains[0]?.sets
        .flatMap(({ files }) => files)
        .reduce((sum, { size }) => sum + size, 0),
      sourceBytes: 1234,
      sourceRows: 7,
      earliest: stamp(1),
      latest: stamp(9),
    });
    expect(result.notes).toEqual([]);
    expect(await resolved({ by: 'Latest' })).toBe(stamp(9));
    expect(await resolved({ by: 'At', time: stamp(2) })).toBe(stamp(2));
    expect(await resolved({ by: 'Before', time: stamp(2) })).toBe(stamp(1));
    expect(await resolved({ by: 'Before', time: stamp(8) })).toBe(stamp(3));
    const refused = await on.bench.resolve({ point: { by: 'Before', time: stamp(1) } });
    expect(refused.result.failure).toMatchObject({ step: 'Resolve', reason: 'PointNotAvailable' });
    expect(refused.result.failure?.message).toContain(`The earliest is ${stamp(1)}, the latest ${stamp(9)}.`);
    expect(refused.result.restore?.point).toBeUndefined();
    expect(await readdir(on.bench.scratch)).toEqual([]);
    // To ask is no run of its own, but to fail is told.
    expect((await on.bench.ledger()).runs.map(({ outcome }) => outcome)).toEqual(['Failed']);
  }, 60_000);

  test.each([
    {
      reason: 'a file is missing in the newest chain',
      spoil: async (chain: string) => {
        const [name = ''] = await readdir(join(on.bench.repository, chain));
        await rm(join(on.bench.repository, chain, name));
      },
      says: /is missing/,
    },
    {
      reason: 'a file of it is cut',
      spoil: async (chain: string) => {
        const [name = ''] = await readdir(join(on.bench.repository, chain));
        await truncate(join(on.bench.repository, chain, name), 3);
      },
      says: /has 3 bytes instead of/,
    },
  ])('$reason: the set before it is taken, and why is said', async ({ spoil, says }) => {
    const [older, newer] = await addChains();
    await spoil(newer);
    const { result } = await on.bench.resolve();
    expect(result.restore?.point).toMatchObject({ set: { chain: older, dataTime: stamp(3) }, latest: stamp(3) });
    expect(result.notes[0]).toMatchObject({ reason: 'SetPassedOver', message: expect.stringMatching(says) });
    expect((await on.bench.ledger()).chains[1]?.problem).toMatch(says);
  });

  test('all is gone: nothing is said to be there', async () => {
    await addChains();
    for (const name of await readdir(on.bench.repository))
      await rm(join(on.bench.repository, name), { recursive: true });
    await rm(on.bench.repository, { recursive: true });
    const { result } = await on.bench.resolve();
    expect(result.failure).toMatchObject({ reason: 'PointNotAvailable' });
    expect(result.failure?.message).toContain('No whole set is in the repository.');
  });

  test('the directory of another cluster', async () => {
    await addChains();
    const { result } = await on.bench.resolve({ cluster: 'another' });
    expect(result.failure?.reason).toBe('RepositoryOwnedByAnother');
  });
});
