import { backupOf, held, makeRestoreBench, outcomeOf, restoreId, type RestoreBench } from './support/restore-bench.ts';

// The containers that put a safety copy back: what they say. See support/directory-restorer.ts for the engine.

const old = { a: 'old a', x: 'old x' };
const saved = { a: 'saved a', b: 'saved b', c: 'saved c' };
const aside = `holdfast_${restoreId}_old_app`;
const id = 'ffff0000';
const copyOf = { id: restoreId, request: 'restored', count: 1 };

let on: RestoreBench;
beforeEach(async () => {
  on = await makeRestoreBench();
  await on.put('app', saved);
  await on.put(aside, old);
  await on.tell(held(4));
});
afterEach(() => on.remove());

test('looks at the copy, makes it ready, exchanges it, and compares: with the copy, whose digest is told', async () => {
  const inspect = await on.run('inspect', { id, copyOf });
  expect(outcomeOf(inspect)).toEqual(['Succeeded', 'Untouched']);
  expect(inspect.result.restore).toMatchObject({ copy: { objects: 2, rows: 20 }, destination: { present: true } });
  const load = await on.run('load', { id, copyOf });
  expect(outcomeOf(load)).toEqual(['Succeeded', 'Untouched']);
  expect(load.result.restore?.compared).toMatchObject({ objects: 2, rows: 20, factsDigest: expect.any(String) });
  expect(await on.databases()).toMatchObject({ app: saved, [aside]: old });
  await on.tell(held());
  const swap = await on.run('swap', { id, copyOf });
  expect(outcomeOf(swap)).toEqual(['Succeeded', 'Replaced']);
  const check = await on.run('check', { id, copyOf });
  expect(outcomeOf(check)).toEqual(['Succeeded', 'Replaced']);
  expect(check.result.restore?.compared?.factsDigest).toBe(load.result.restore?.compared?.factsDigest);
  expect(await on.databases()).toEqual({ app: old, [aside]: old, [`holdfast_${id}_old_app`]: saved });
  // The next backup continues nothing that was made before.
  expect((await on.ledger()).restored?.request).toBe('agama-is-lost');
}, 60_000);

test.each<{ reason: string; name: 'inspect' | 'load'; fault: string; from?: string; expected: string }>([
  {
    reason: 'the copy is gone',
    name: 'inspect',
    fault: '',
    from: '0000dead',
    expected: 'SafetyCopyUnavailable at Inspect',
  },
  {
    reason: 'it went since it was planned',
    name: 'load',
    fault: '',
    from: '0000dead',
    expected: 'SafetyCopyUnavailable at Load',
  },
  {
    reason: 'an engine that puts nothing back',
    name: 'inspect',
    fault: 'it puts nothing back',
    expected: 'DestinationUnsupported at Inspect',
  },
  {
    reason: 'likewise, later',
    name: 'load',
    fault: 'it puts nothing back',
    expected: 'DestinationUnsupported at Prepare',
  },
  { reason: 'what differs from the copy', name: 'load', fault: 'a byte', expected: 'ContentDiffers at Compare' },
])('touches nothing: $reason', async ({ name, fault, from = restoreId, expected }) => {
  const run = await on.run(name, { id, fault, copyOf: { ...copyOf, id: from } });
  expect(outcomeOf(run)).toEqual([expected, 'Untouched']);
  expect(await on.databases()).toEqual({ app: saved, [aside]: old });
});

test('what could not be compared is put back all the same, and is not said to be proven', async () => {
  const fault = 'not all is known';
  const load = await on.run('load', { id, copyOf, fault });
  await on.tell(held());
  await on.run('swap', { id, copyOf, fault });
  const check = await on.run('check', { id, copyOf, fault });
  for (const { exitCode, result } of [load, check]) {
    expect(exitCode).toBe(0);
    expect(result.restore?.compared).toMatchObject({ objects: 2 });
    expect(result.restore?.compared?.factsDigest).toBeUndefined();
    expect(result.notes).toContainEqual(expect.objectContaining({ reason: 'FactsUnknown' }));
  }
  expect(await on.databases()).toMatchObject({ app: old });
}, 60_000);

test('a copy that differs once it is in its place is no success', async () => {
  await on.run('load', { id, copyOf });
  await on.tell(held());
  await on.run('swap', { id, copyOf, fault: 'a byte in place' });
  expect(outcomeOf(await on.run('check', { id, copyOf }))).toEqual(['ContentDiffers at Check', 'Unavailable']);
}, 60_000);

test('a backup is never taken for a copy', async () => {
  await on.handOver(backupOf(saved));
  const load = await on.run('load', { id });
  expect(load.result.restore?.compared?.factsDigest).toBe(on.set.factsDigest);
});
