import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { backupOf, makeRestoreBench, outcomeOf, type RestoreBench } from './support/restore-bench.ts';

// A check of somebody's own: loaded into a scratch server, compared, and shown for a while. See support/files-verifier.ts for the engine.

let on: RestoreBench;
beforeEach(async () => {
  on = await makeRestoreBench();
});
afterEach(() => on.remove());

const saved = { a: 'saved a', b: 'saved b', c: 'saved c' };

test('loaded, compared, and there to be looked at', async () => {
  await on.handOver(backupOf(saved));
  const run = await on.run('show');
  expect(outcomeOf(run)).toEqual(['Succeeded', undefined]);
  expect(run.result.restore?.compared).toEqual({
    objects: 3,
    rows: 30,
    factsDigest: on.set.factsDigest,
    loadSeconds: expect.any(Number),
    compareSeconds: expect.any(Number),
    server: 'files 1.2',
  });
  expect((await readdir(join(on.scratch, 'server'))).toSorted()).toEqual(['a', 'b', 'c']);
  expect((await on.ledger()).runs).toMatchObject([{ kind: 'Restore', outcome: 'Succeeded' }]);
});

test('what the facts do not witness is told', async () => {
  await on.handOver(backupOf(saved, { unknown: ['view v'] }));
  const { result } = await on.run('show');
  expect([result.outcome, result.notes.map(({ reason }) => reason)]).toEqual(['Succeeded', ['FactsUnknown']]);
  expect(result.restore?.compared?.factsDigest).toBeUndefined();
});

test.each([
  { reason: 'a byte is another', fault: 'a byte', expected: 'ContentDiffers at Compare' },
  { reason: 'the server refuses it', fault: 'it refuses', expected: 'BackupNotLoadable at Load' },
  { reason: 'the server does not start', fault: 'no server', expected: 'SandboxUnavailable at Sandbox' },
  { reason: 'it hangs', fault: 'it hangs', expected: 'DeadlineExceeded at Load' },
])('$reason: nothing is said to be equal', async ({ fault, expected }) => {
  await on.handOver(backupOf(saved));
  const run = await on.run('show', { fault, deadlineSeconds: 5 });
  expect(outcomeOf(run)).toEqual([expected, undefined]);
  expect(run.result.restore?.compared).toBeUndefined();
});

test('another release', async () => {
  await on.handOver(backupOf(saved, { server: 'files 2.0' }));
  expect(outcomeOf(await on.run('show'))).toEqual(['SandboxVersionDiffers at Sandbox', undefined]);
});

test('it stays as long as was asked', async () => {
  const run = await on.run('keep', { keepSeconds: 3 });
  expect(outcomeOf(run)).toEqual(['Succeeded', undefined]);
  expect(run.seconds).toBeGreaterThan(3);
});

test('it ends early, as a success, when it is told to', async () => {
  const started = await on.start('keep', { keepSeconds: 300 });
  await started.reached('can be looked at');
  started.terminate();
  const run = await started.done;
  expect(outcomeOf(run)).toEqual(['Succeeded', undefined]);
  expect(run.seconds).toBeLessThan(30);
});
