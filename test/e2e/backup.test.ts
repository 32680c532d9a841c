import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { startMariadb, type MariadbServer } from '../agent/support/mariadb.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { changeDatabase, runSql } from '../scenario/database.ts';
import type { ScenarioKeys } from '../scenario/keys.ts';
import { images } from '../scenario/images.ts';
import { agama } from '../scenario/policy.ts';
import { conditionOf, runNow, untilReady, waitForStatus } from '../scenario/runs.ts';
import { backupHost } from '../scenario/servers.ts';
import { applySample } from '../scenario/stage.ts';
import { sectionOf, shellBlocks } from '../support/markdown.ts';
import { expectAsked } from '../support/restore-page.ts';
import { contentsOf } from './contents.ts';
import { forwardPort } from './port-forward.ts';
import { restoreByHand } from './restore-by-hand.ts';
import { e2eStage } from './stage.ts';

// The main job on real parts: the sample policy as it is shipped, in the order a person would do it.

let cluster: Cluster;
let keys: ScenarioKeys;
let scratch: MariadbServer;

beforeAll(async () => {
  ({ cluster, keys } = await e2eStage());
  await applySample(cluster, keys);
  scratch = await startMariadb();
}, 300_000);

afterAll(async () => {
  await scratch?.stop();
});

const minutes = (count: number): number => count * 60_000;

const outcomeOf = (status: Awaited<ReturnType<typeof runNow>>, jobName: string) => {
  const run = status.lastRuns?.find((candidate) => candidate.jobName === jobName);
  return { outcome: run?.outcome, failure: status.lastFailure };
};

test(
  'the policy is applied: Ready, its claim bound, a CronJob for each kind of run, and nothing green that is not proven',
  async () => {
    const status = await untilReady(cluster, agama);
    expect(Object.keys(status.nextRunTimes ?? {}).sort()).toEqual(['full', 'incremental', 'localCopy', 'verify']);
    const cronJobs = await cluster.kubectl(['get', 'cronjobs', '--namespace', agama.namespace, '--output', 'name']);
    expect(cronJobs.split('\n').sort()).toEqual([
      'cronjob.batch/agama-full',
      'cronjob.batch/agama-incremental',
      'cronjob.batch/agama-local-copy',
      'cronjob.batch/agama-verify',
    ]);
    for (const type of [
      'Protected',
      'LastBackupSucceeded',
      'ChainIntact',
      'Verified',
      'RecoveryPointMet',
      'RecoveryTimeMet',
    ]) {
      expect(conditionOf(status, type)).toMatchObject({ type, status: 'Unknown' });
    }
  },
  minutes(2),
);

test(
  'a local copy, a full and an incremental are made by pods of the CronJobs, and status says what is there',
  async () => {
    const { kubectl } = cluster;
    const copied = await runNow(cluster, agama, 'LocalCopy', 'first-local-copy');
    expect(outcomeOf(copied, 'first-local-copy')).toEqual({ outcome: 'Succeeded' });
    expect(conditionOf(copied, 'LastBackupSucceeded')?.status).toBe('Unknown');

    const full = await runNow(cluster, agama, 'Full', 'first-full');
    expect(outcomeOf(full, 'first-full')).toEqual({ outcome: 'Succeeded' });
    // The copy that was not shipped yet is the one that is shipped.
    expect(full.lastFull?.dataTime).toBe(copied.lastLocalCopy?.dataTime);
    expect(full.lastFull?.factsDigest).toMatch(/^[0-9a-f]{64}$/);

    await changeDatabase(kubectl, agama.namespace);
    const incremental = await runNow(cluster, agama, 'Incremental', 'first-incremental');
    expect(outcomeOf(incremental, 'first-incremental')).toEqual({ outcome: 'Succeeded' });
    expect(incremental.chain).toMatchObject({ intact: true, incrementals: 1 });
    expect(incremental.lastIncremental?.factsDigest).not.toBe(full.lastFull?.factsDigest);
    // 1 % of the rows changed: far less is stored than for the full.
    expect(incremental.lastIncremental?.sizeBytes).toBeLessThan((full.lastFull?.sizeBytes ?? 0) / 2);
    expect(conditionOf(incremental, 'LastBackupSucceeded')?.status).toBe('True');
    expect(conditionOf(incremental, 'ChainIntact')?.status).toBe('True');
    expect(conditionOf(incremental, 'Verified')?.status).toBe('Unknown');
    expect(conditionOf(incremental, 'Protected')?.status).toBe('Unknown');
    expect(incremental.lastBackupTime).toBe(incremental.lastIncremental?.dataTime);
  },
  minutes(8),
);

test(
  'what is on the backup host is restored without Holdfast, by the commands of docs/restore-by-hand.md, with equal contents',
  async () => {
    const { namespace, name, port } = backupHost;
    const source = await contentsOf((sql) => runSql(cluster.kubectl, agama.namespace, sql));
    const forward = await forwardPort(cluster, namespace, `deployment/${name}`, port);
    const client = ['mariadb', '--no-defaults', `--socket=${scratch.socket}`, '--user=root'];
    try {
      await restoreByHand({
        keys,
        port: forward.port,
        directory: '/agama-backups/agama/agama',
        engine: 'MySQL',
        load: { MARIADB: client.join(' ') },
      });
    } finally {
      await forward.stop();
    }
    const [file = '', ...args] = client;
    const restored = await contentsOf(async (sql) => {
      const { stdout } = await execa(file, [...args, '--batch', '--skip-column-names'], { input: sql });
      return stdout;
    });
    expect(restored).toEqual(source);
    expect(Number(source['orders']?.split('\n')[0])).toBe(130_650);
  },
  minutes(5),
);

test(
  'a verification fetches the newest backup and an older one, loads them into a server and finds them equal: everything is green',
  async () => {
    const verified = await runNow(cluster, agama, 'Verify', 'first-verify', minutes(6));
    expect(outcomeOf(verified, 'first-verify')).toEqual({ outcome: 'Succeeded' });
    expect(verified.lastVerified).toMatchObject({
      jobName: 'first-verify',
      set: { type: 'Incremental', setTime: verified.lastIncremental?.setTime },
      mismatches: { count: 0 },
    });
    expect(Object.values(verified.lastVerified?.checks ?? {}).map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 4 }, () => 'Passed'),
    );
    expect(verified.lastVerified?.rowsCompared).toBeGreaterThan(100_000);
    for (const type of ['Verified', 'RecoveryPointMet', 'RecoveryTimeMet', 'Protected']) {
      expect(conditionOf(verified, type)).toMatchObject({ type, status: 'True' });
    }
    const pods = await cluster.kubectl([
      'get',
      'pods',
      '--namespace',
      agama.namespace,
      '--selector',
      'job-name=first-verify',
      '--output',
      'jsonpath={.items[*].status.phase}',
    ]);
    expect(pods).toBe('Succeeded');
  },
  minutes(8),
);

test(
  'the newest local copy comes back by the commands of docs/restore-by-hand.md, the pod included',
  async () => {
    const { kubectl, kubeconfig } = cluster;
    const page = await readFile(new URL('../../docs/restore-by-hand.md', import.meta.url), 'utf8');
    const [place = '', ...commands] = shellBlocks(sectionOf(page, 'From a local copy'), 'copy');
    const home = await mkdtemp(join(tmpdir(), 'holdfast-copy-'));
    try {
      const settings = {
        NAMESPACE: agama.namespace,
        CLAIM: 'agama-holdfast',
        IMAGE: images.mariadb,
        COPY: join(home, 'copy'),
      };
      await mkdir(settings.COPY);
      expectAsked(place, Object.keys(settings));
      await scratch.admin((connection) => connection.query('DROP DATABASE agama'));
      const { all } = await execa('bash', ['-euxo', 'pipefail', '-c', commands.join('\n')], {
        env: {
          ...settings,
          HOME: home,
          KUBECONFIG: kubeconfig,
          PATH: `${dirname(kubectl.program)}:${process.env['PATH'] ?? ''}`,
          LANG: 'C.UTF-8',
          MARIADB: `mariadb --no-defaults --socket=${scratch.socket} --user=root`,
        },
        extendEnv: false,
        stdin: 'ignore',
        all: true,
        timeout: minutes(3),
      });
      expect(all).toContain('dump.sql: OK');
      const restored = await contentsOf(async (sql) => {
        const client = ['--no-defaults', `--socket=${scratch.socket}`, '--user=root', '--batch', '--skip-column-names'];
        return (await execa('mariadb', client, { input: sql })).stdout;
      });
      expect(restored).toEqual(await contentsOf((sql) => runSql(kubectl, agama.namespace, sql)));
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  },
  minutes(4),
);

test(
  'a byte that changes on the backup host: the next verification says so, and nothing stays green',
  async () => {
    const onHost = (script: string): Promise<string> =>
      cluster.kubectl([
        'exec',
        '--namespace',
        backupHost.namespace,
        `deployment/${backupHost.name}`,
        '--',
        'sh',
        '-c',
        script,
      ]);
    // The middle byte of the full's first volume, turned around.
    await onHost(`set -eu
f=$(ls ${backupHost.root}/agama-backups/agama/agama/chain-*/duplicity-full.*.vol1.difftar.gpg | head -n 1)
at=$(($(stat -c %s "$f") / 2))
cp -p "$f" /tmp/volume
old=$(od -An -tu1 -j "$at" -N 1 "$f" | tr -d ' ')
printf "\\\\$(printf %o $((255 - old)))" | dd of="$f" bs=1 seek="$at" conv=notrunc 2>/dev/null
`);
    const failed = await runNow(cluster, agama, 'Verify', 'second-verify', minutes(6));
    expect(failed.lastFailure).toMatchObject({ jobName: 'second-verify', reason: 'BackupDamaged' });
    expect(conditionOf(failed, 'Verified')).toMatchObject({ status: 'False', reason: 'BackupDamaged' });
    expect(conditionOf(failed, 'Protected')?.status).toBe('False');
    expect(failed.lastVerified?.jobName).toBe('first-verify');
  },
  minutes(8),
);

test(
  'a run starts by itself when its time has come',
  async () => {
    const { kubectl } = cluster;
    const patch = JSON.stringify({ spec: { schedule: { localCopy: '* * * * *' } } });
    const where = ['backuppolicy', agama.name, '--namespace', agama.namespace];
    await kubectl(['patch', ...where, '--type', 'merge', '--patch', patch]);
    const status = await waitForStatus(
      cluster,
      agama,
      ({ lastRuns }) => lastRuns?.some(({ jobName }) => /^agama-local-copy-\d+$/.test(jobName)) === true,
      { timeoutMs: minutes(3), what: 'A scheduled local copy' },
    );
    expect(status.lastRuns?.find(({ kind }) => kind === 'LocalCopy')?.outcome).toBe('Succeeded');
    await kubectl(['patch', ...where, '--type', 'merge', '--patch', JSON.stringify({ spec: { suspend: true } })]);
  },
  minutes(4),
);

test(
  'kubectl describe says what is there, what is not proven, and what happened',
  async () => {
    const text = await cluster.kubectl(['describe', 'backuppolicy', agama.name, '--namespace', agama.namespace]);
    for (const words of [
      'BackupDamaged',
      'Last Verified',
      'FullSucceeded',
      'IncrementalSucceeded',
      'Last Backup Time',
      'Set Digest',
    ]) {
      expect(text).toContain(words);
    }
  },
  minutes(1),
);

test(
  'deleting the policy removes what runs and keeps what is stored',
  async () => {
    const { kubectl } = cluster;
    const here = ['--namespace', agama.namespace];
    await kubectl(['delete', 'backuppolicy', agama.name, ...here, '--timeout', '60s']);
    // The garbage collector follows a moment later.
    await kubectl(['wait', '--for', 'delete', 'cronjobs,jobs', '--all', ...here, '--timeout', '90s']);
    expect(await kubectl(['get', 'cronjobs,jobs', ...here, '--output', 'name'])).toBe('');
    expect(await kubectl(['get', 'pvc', 'agama-holdfast', ...here, '--output', 'jsonpath={.status.phase}'])).toBe(
      'Bound',
    );
    const find = ['find', `${backupHost.root}/agama-backups/agama/agama`, '-name', '*.difftar.gpg'];
    const stored = await kubectl([
      'exec',
      '--namespace',
      backupHost.namespace,
      `deployment/${backupHost.name}`,
      '--',
      ...find,
    ]);
    expect(stored.split('\n').length).toBeGreaterThan(1);
  },
  minutes(4),
);
