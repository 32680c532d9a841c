import { join } from 'node:path';
import type { Ledger } from '../../src/agent/ledger.ts';
import { outcomeOf, runAgent } from './support/agent.ts';
import { plainRestore } from './support/duplicity.ts';
import { makeBench, type Bench } from './support/duplicity-bench.ts';
import { makeGpgOwner, type GpgOwner } from './support/duplicity-gpg.ts';
import { makeDirectory } from './support/directories.ts';
import { dropDatabases, startInfluxdb, type InfluxdbServer } from './support/influxdb.ts';
import { benchDatabase, factsIn, factsNow } from './support/influxdb-bench.ts';
import { ago, cpuLines, everythingIn, noiseLines, prepareSample } from './support/sample-influxdb.ts';
import { startRsyncRepository, type RsyncRepository } from './support/repositories.ts';
import type { BackupHost } from './support/ssh.ts';
import { runRestorePage } from '../support/restore-page.ts';
import { subject } from '../support/subject.ts';

const database = benchDatabase;

let repository: RsyncRepository;
let host: BackupHost;
let source: InfluxdbServer;
let target: InfluxdbServer;
let bench: Bench;
let home: Awaited<ReturnType<typeof makeDirectory>>;
let owner: GpgOwner;

beforeAll(async () => {
  repository = await startRsyncRepository();
  ({ host } = repository);
  [source, target] = await Promise.all([startInfluxdb(), startInfluxdb()]);
  bench = await makeBench(repository);
  home = await makeDirectory();
  owner = await makeGpgOwner(home.path, 'o');
}, 120_000);
afterAll(async () => {
  await bench?.remove();
  await owner?.stop();
  await home?.remove();
  await Promise.all([source?.stop(), target?.stop()]);
  await repository?.stop();
});

const dump = async (): Promise<void> => {
  const { httpPort, rpcPort } = source;
  const end = await runAgent('dump', {
    kind: 'LocalCopy',
    policy: { namespace: 'shop', name: 'agama' },
    subject,
    claim: bench.claim,
    scratch: bench.scratch,
    deadlineSeconds: 60,
    keep: 5,
    source: { influxdb: { host: source.host, httpPort, rpcPort, database } },
  });
  expect(outcomeOf(end)).toBe('Succeeded');
};

const ship = async (kind: 'Full' | 'Incremental'): Promise<void> => {
  const publicKey = await bench.secret('gpg-public', { 'public.asc': owner.publicKey });
  const { result } = await bench.ship({ kind, encryption: { method: 'gpg', publicKey } });
  expect(result.failure).toBeUndefined();
  expect(result.made).toBe(kind);
  // For a scratch server of the same release.
  const made = kind === 'Full' ? result.newest.full : result.newest.incremental;
  expect(made?.server).toBe('influxdb 1.6.7');
};

type Set = Ledger['chains'][number]['sets'][number];

/** By the commands of the page, which take the newest set. */
const restoreByPage = async (): Promise<void> => {
  const { host: address, port, user, key, knownHosts } = host;
  await dropDatabases(target);
  await runRestorePage({
    backupHost: {
      host: address,
      port,
      user,
      directory: bench.repository,
      key: key.privateKey,
      knownHosts: `${knownHosts()}\n`,
    },
    gpgPrivateKey: owner.privateKey,
    engine: 'InfluxDB',
    load: { INFLUXDB: `${target.host}:${target.rpcPort}`, DATABASE: database },
  });
  await target.enabled(database);
};

const restore = async ({ setTime }: Set, name: string): Promise<void> => {
  const [chain] = (await bench.ledger()).chains;
  const directory = join(bench.path, name);
  await plainRestore({
    chain: join(bench.repository, chain?.directory ?? ''),
    target: directory,
    scratch: bench.path,
    time: setTime,
    encrypted: true,
    gpgHome: owner.home,
  });
  await dropDatabases(target);
  await target.restore(directory, database);
};

test('a full and two incrementals come back by stock tools, and an incremental of an unchanged database is small', async () => {
  await prepareSample(source, database);
  await source.write(database, noiseLines(50_000), 'autogen');
  await dump();
  await ship('Full');
  const first = await everythingIn(source, database);

  await dump();
  await ship('Incremental');

  await source.write(
    database,
    [...cpuLines(50, { host: 'h4', endedDaysAgo: 0 }), `fresh v="õ" ${ago(120)}`],
    'autogen',
  );
  await dump();
  await ship('Incremental');
  const last = await everythingIn(source, database);

  const sets = (await bench.ledger()).chains.flatMap(({ sets }) => sets);
  const [full, unchanged, changed] = sets;
  if (full === undefined || unchanged === undefined || changed === undefined)
    throw new Error('there are not three sets');
  const sizeOf = ({ files }: Set): number => files.reduce((sum, { size }) => sum + size, 0);
  expect(sizeOf(full)).toBeGreaterThan(300_000);
  expect(sizeOf(unchanged) / sizeOf(full)).toBeLessThan(0.1);

  await restoreByPage();
  const latest = await factsIn(join(bench.claim, 'copies', changed.copy));
  expect([...latest.fields, ...latest.shards].filter(({ content }) => 'unknown' in content)).toEqual([]);
  const { retentionPolicies, fields, shards } = latest;
  expect(await factsNow(target, database, latest)).toEqual({ retentionPolicies, fields, shards });
  expect(await everythingIn(target, database)).toEqual(last);

  await restore(full, 'first');
  expect(await everythingIn(target, database)).toEqual(first);
  expect(last).not.toEqual(first);
}, 240_000);
