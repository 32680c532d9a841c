import { startInfluxdb as startScratch, type InfluxdbServer } from '../agent/support/influxdb.ts';
import { influxdbApi, type InfluxdbApi } from '../agent/support/influxdb-api.ts';
import { cpuLines, everythingIn, prepareSample } from '../agent/support/sample-influxdb.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { ScenarioKeys } from '../scenario/keys.ts';
import { applyObjects } from '../scenario/objects.ts';
import { telegraf, telegrafPolicy } from '../scenario/policy.ts';
import { conditionOf, runNow, untilReady } from '../scenario/runs.ts';
import { backupHost, influxdbName, influxdbPorts, startInfluxdb } from '../scenario/servers.ts';
import { applyPolicySecrets } from '../scenario/stage.ts';
import { forwardPort, type PortForward } from './port-forward.ts';
import { expectAllProven } from './proven.ts';
import { restoreByHand } from './restore-by-hand.ts';
import { e2eStage } from './stage.ts';

// InfluxDB through real pods: the sample policy as it is shipped, and back by hand.

const database = 'telegraf';

let cluster: Cluster;
let keys: ScenarioKeys;
let scratch: InfluxdbServer;
let forward: PortForward;
let source: InfluxdbApi;

beforeAll(async () => {
  ({ cluster, keys } = await e2eStage());
  const { kubectl } = cluster;
  await startInfluxdb(kubectl, telegraf.namespace);
  await applyPolicySecrets(cluster, telegraf.namespace, keys);
  forward = await forwardPort(cluster, telegraf.namespace, `deployment/${influxdbName}`, influxdbPorts.http);
  source = influxdbApi(forward.port);
  await prepareSample(source, database);
  await applyObjects(kubectl, [await telegrafPolicy(keys)]);
  await untilReady(cluster, telegraf);
  scratch = await startScratch();
}, 300_000);

afterAll(async () => {
  await scratch?.stop();
  await forward?.stop();
  await cluster?.kubectl(['delete', 'namespace', telegraf.namespace, '--ignore-not-found', '--wait=false']);
});

test('a local copy, a full and an incremental are made by pods, and what is stored comes back by hand', async () => {
  await source.query(
    `CREATE CONTINUOUS QUERY hourly ON ${database} BEGIN SELECT mean(usage) INTO autogen.cpu_mean FROM autogen.cpu GROUP BY time(52w) END`,
  );
  const copied = await runNow(cluster, telegraf, 'LocalCopy', 'first-local-copy');
  expect(copied.lastFailure).toBeUndefined();
  expect(copied.lastLocalCopy?.factsDigest).toMatch(/^[0-9a-f]{64}$/);
  expect(copied.lastLocalCopy?.notCovered).toEqual(['Continuous queries are not restored: hourly']);

  const full = await runNow(cluster, telegraf, 'Full', 'first-full');
  expect(full.lastFailure).toBeUndefined();
  expect(full.lastFull?.dataTime).toBe(copied.lastLocalCopy?.dataTime);

  await source.write(database, cpuLines(100, { host: 'h9' }), 'autogen');
  const incremental = await runNow(cluster, telegraf, 'Incremental', 'first-incremental');
  expect(incremental.lastFailure).toBeUndefined();
  expect(incremental.chain).toMatchObject({ intact: true, incrementals: 1 });
  expect(conditionOf(incremental, 'LastBackupSucceeded')?.status).toBe('True');
  expect(conditionOf(incremental, 'Protected')?.status).toBe('Unknown');

  expectAllProven(await runNow(cluster, telegraf, 'Verify', 'first-verify'));

  const ssh = await forwardPort(cluster, backupHost.namespace, `deployment/${backupHost.name}`, backupHost.port);
  try {
    await restoreByHand({
      keys,
      port: ssh.port,
      directory: '/telegraf-backups/telegraf/telegraf',
      engine: 'InfluxDB',
      load: { INFLUXDB: `${scratch.host}:${scratch.rpcPort}`, DATABASE: database },
    });
  } finally {
    await ssh.stop();
  }
  await scratch.enabled(database);
  expect(await everythingIn(scratch, database)).toEqual(await everythingIn(source, database));
}, 900_000);
