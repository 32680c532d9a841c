import { setTimeout as sleep } from 'node:timers/promises';
import { processesOf } from './support/processes.ts';
import { failed, failureOf, large, madeBy } from './support/ship-outcomes.ts';
import { startCuttingProxy } from './support/ssh-proxy.ts';
import { benchForEach } from './support/bench-for-each.ts';
import { startRsyncRepository } from './support/repositories.ts';

const on = benchForEach(startRsyncRepository);

describe('cut short during the upload', () => {
  test('the connection breaks', async () => {
    const proxy = await startCuttingProxy(on.repository.host.port);
    try {
      await on.bench.addCopy(large('a'));
      proxy.cutAfter(1_500_000);
      const run = await on.bench.ship({
        rsync: { port: proxy.port, knownHosts: on.repository.host.knownHosts(proxy.port) },
      });
      expect(await failureOf(on.bench, run)).toEqual(failed('Upload', 'ConnectionLost'));
      expect((await on.bench.ledger()).chains).toEqual([]);
    } finally {
      await proxy.stop();
    }
  }, 90_000);

  test('the deadline passes', async () => {
    await on.bench.addCopy(large('a'));
    // A backup host that takes forever: duplicity is held up before it does anything.
    const programs = await on.bench.program('duplicity', '#!/bin/sh\nexec sleep 300\n');
    expect(await failureOf(on.bench, await on.bench.ship({ programs, deadlineSeconds: 12 }))).toEqual(
      failed('Upload', 'DeadlineExceeded'),
    );
    expect((await processesOf(on.bench.scratch)).map(({ command }) => command)).toEqual([]);
  }, 60_000);
});

test('no secret in any argument or in the log', async () => {
  const secret = 'Very-Secret-Words';
  const passphrase = await on.bench.secret('passphrase', { password: secret });
  await on.bench.addCopy(large('a'));
  const { done } = await on.bench.start({ encryption: { method: 'passphrase', passphrase } });
  const running = async (): Promise<boolean> => Promise.race([done.then(() => false), sleep(50).then(() => true)]);
  const seen = new Set<string>();
  while (await running()) {
    for (const { command } of await processesOf(on.bench.scratch)) seen.add(command.split('\0', 1)[0] ?? '');
    expect(await processesOf(secret)).toEqual([]);
  }
  const run = await done;
  expect(madeBy(run)).toEqual(['Full']);
  expect([...seen].some((program) => program.includes('rsync') || program.includes('python'))).toBe(true);
  expect(run.log).not.toContain(secret);
  expect(JSON.stringify(run.result)).not.toContain(secret);
}, 60_000);
