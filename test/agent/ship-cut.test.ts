import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { duplicityDirectory } from './support/duplicity.ts';
import { type Bench, digests, type Files, makeBench } from './support/duplicity-bench.ts';
import { processesOf, waitFor } from './support/processes.ts';
import { failed, failureOf, large, madeBy, restored, small } from './support/ship-outcomes.ts';
import { type BackupHost, startBackupHost } from './support/ssh.ts';
import { startCuttingProxy } from './support/ssh-proxy.ts';

let host: BackupHost;
let bench: Bench;

beforeAll(async () => {
  host = await startBackupHost();
  await duplicityDirectory();
}, 120_000);

afterAll(() => host.stop());

beforeEach(async () => {
  bench = await makeBench(host);
});

afterEach(() => bench.remove());

describe('cut short during the upload', () => {
  const volumes = async (): Promise<number> => {
    const [directory] = (await bench.chains()).toReversed();
    const names = directory === undefined ? [] : await readdir(join(bench.repository, directory));
    return names.filter((name) => name.startsWith('duplicity-') && name.includes('.vol')).length;
  };

  /** SIGKILL for the agent and all it started, when the repository holds more volumes than before. */
  const killWhile = async (kind: 'Full' | 'Incremental', reached: () => Promise<boolean>): Promise<void> => {
    const { pid, done } = await bench.start({ kind });
    await waitFor('a volume in the repository', reached);
    process.kill(pid, 'SIGKILL');
    await done.catch(() => undefined);
    for (const each of await processesOf(bench.scratch)) {
      try {
        process.kill(each.pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
  };

  test('SIGKILL in a full and in an incremental: nothing of them counts, later ones work, old sets restore', async () => {
    await bench.addCopy(large('a'));
    await killWhile('Full', async () => (await volumes().catch(() => 0)) >= 1);
    expect((await bench.ledger()).chains).toEqual([]);
    await sleep(1000);
    expect(madeBy(await bench.ship())).toEqual(['Full', 'PartialSetRemoved']);
    expect(await bench.chains()).toHaveLength(1);

    const { chains } = await bench.ledger();
    const time = chains[0]?.sets[0]?.setTime;
    const other: Files = { 'agama/agama.sql': randomBytes(2_200_000) };
    await bench.addCopy(other);
    const before = await volumes();
    await killWhile('Incremental', async () => (await volumes()) > before);
    expect((await bench.ledger()).chains[0]?.sets).toHaveLength(1);
    expect(madeBy(await bench.ship({ kind: 'Incremental' }))).toEqual(['Incremental', 'PartialSetRemoved']);
    expect(await restored(bench)).toEqual(digests(other));
    expect(await restored(bench, -1, time)).toEqual(digests(large('a')));
  }, 150_000);

  test('the connection breaks', async () => {
    const proxy = await startCuttingProxy(host.port);
    try {
      await bench.addCopy(large('a'));
      proxy.cutAfter(1_500_000);
      const run = await bench.ship({ repository: { port: proxy.port, knownHosts: host.knownHosts(proxy.port) } });
      expect(await failureOf(bench, run)).toEqual(failed('Upload', 'ConnectionLost'));
      expect((await bench.ledger()).chains).toEqual([]);
    } finally {
      await proxy.stop();
    }
  }, 90_000);

  test('the deadline passes', async () => {
    await bench.addCopy(large('a'));
    // A backup host that takes forever: duplicity is held up before it does anything.
    const programs = await bench.program('duplicity', '#!/bin/sh\nexec sleep 300\n');
    expect(await failureOf(bench, await bench.ship({ programs, deadlineSeconds: 12 }))).toEqual(
      failed('Upload', 'DeadlineExceeded'),
    );
    expect((await processesOf(bench.scratch)).map(({ command }) => command)).toEqual([]);
  }, 60_000);
});

describe('disks that are full', () => {
  const mount = async (directory: string, size: string): Promise<void> => {
    await execa('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'holdfast-test', directory]);
  };

  test('the backup host’s', async () => {
    const place = join(host.directory, 'small');
    await execa('mkdir', ['-p', place]);
    await mount(place, '1500k');
    try {
      await bench.addCopy(large('a'));
      const run = await bench.ship({ repository: { path: place } });
      expect(await failureOf(bench, run)).toEqual(failed('Upload', 'RepositoryFull'));
      // What was left there by the full that failed must not keep the next one from fitting.
      await bench.addCopy(small('b'));
      expect(madeBy(await bench.ship({ repository: { path: place } }))).toEqual(['Full', 'PartialSetRemoved']);
    } finally {
      await execa('umount', [place]);
    }
  }, 90_000);

  test('the scratch space', async () => {
    const place = join(bench.path, 'tmpfs');
    await execa('mkdir', [place]);
    await mount(place, '1200k');
    try {
      await bench.addCopy(large('a'));
      const run = await bench.ship({ scratch: place });
      expect(await failureOf(bench, run)).toEqual(failed('Upload', 'OutOfScratchSpace'));
      expect(run.result.failure?.message).toMatch(
        /^The scratch space of the pod has [\d.]+ MiB free, and duplicity needs/,
      );
      // It was foreseen: duplicity was not even started, and nothing of a chain lies in the repository.
      expect(run.log).not.toContain('"program":"duplicity"');
      expect(await bench.chains()).toEqual([]);
    } finally {
      await execa('gpgconf', ['--homedir', join(place, 'ship/gpg'), '--kill', 'all'], { reject: false });
      await execa('umount', [place]);
    }
  }, 60_000);
});

test('no secret in any argument or in the log', async () => {
  const secret = 'Very-Secret-Words';
  const passphrase = await bench.secret('passphrase', { password: secret });
  await bench.addCopy(large('a'));
  const { done } = await bench.start({ encryption: { method: 'passphrase', passphrase } });
  const running = async (): Promise<boolean> => Promise.race([done.then(() => false), sleep(50).then(() => true)]);
  const seen = new Set<string>();
  while (await running()) {
    for (const { command } of await processesOf(bench.scratch)) seen.add(command.split('\0', 1)[0] ?? '');
    expect(await processesOf(secret)).toEqual([]);
  }
  const run = await done;
  expect(madeBy(run)).toEqual(['Full']);
  expect([...seen].some((program) => program.includes('rsync') || program.includes('python'))).toBe(true);
  expect(run.log).not.toContain(secret);
  expect(JSON.stringify(run.result)).not.toContain(secret);
}, 60_000);
