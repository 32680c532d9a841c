import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { influxdbFacts, type InfluxdbFacts } from '../../../src/agent/engines/influxdb/facts.ts';
import { createServer } from '../../../src/agent/engines/influxdb/server.ts';
import { survey, type Surveyed } from '../../../src/agent/engines/influxdb/survey.ts';
import { ledger, type Ledger } from '../../../src/agent/ledger.ts';
import { runAgent, startAgent, type AgentEnd, type AgentOptions, type RunningAgent } from './agent.ts';
import type { InfluxdbServer } from './influxdb.ts';
import type { InfluxAccount } from './influxdb-api.ts';
import { makePolicyFiles, type DumpTaskInput, type PolicyFiles } from './policy-files.ts';
import { subject } from '../../support/subject.ts';

type InfluxdbInput = Extract<DumpTaskInput['source'], { influxdb: unknown }>['influxdb'];

export interface InfluxdbDumpOptions extends AgentOptions {
  readonly influxdb?: Partial<InfluxdbInput>;
  readonly task?: Partial<Omit<DumpTaskInput, 'source'>>;
}

/** One policy's files and its dump container: for tests that dump from an InfluxDB server. */
export interface InfluxdbBench {
  readonly files: PolicyFiles;
  start(options?: InfluxdbDumpOptions): Promise<RunningAgent>;
  dump(options?: InfluxdbDumpOptions): Promise<AgentEnd>;
  ledger(): Promise<Ledger>;
  /** Names among the local copies, partial ones included. */
  copies(): Promise<string[]>;
  /** The directory of the newest copy. */
  newest(): Promise<string>;
  facts(): Promise<InfluxdbFacts>;
  remove(): Promise<void>;
}

export const benchDatabase = 'telegraf';

export const makeInfluxdbBench = async (
  { host, httpPort, rpcPort }: Pick<InfluxdbServer, 'host' | 'httpPort' | 'rpcPort'>,
  account?: InfluxAccount,
): Promise<InfluxdbBench> => {
  const files = await makePolicyFiles();
  const secret = account === undefined ? undefined : await files.secret('influxdb-account', { ...account });
  const task = ({ influxdb, task: extra }: InfluxdbDumpOptions = {}): DumpTaskInput => ({
    kind: 'LocalCopy',
    policy: { namespace: 'logs', name: 'telegraf' },
    claim: files.claim,
    scratch: files.scratch,
    subject,
    deadlineSeconds: 60,
    keep: 2,
    source: {
      influxdb: {
        host,
        httpPort,
        rpcPort,
        database: benchDatabase,
        ...(secret !== undefined && { credentials: { directory: secret, secret: 'influxdb-account' } }),
        ...influxdb,
      },
    },
    ...extra,
  });
  const readLedger = async () => ledger.parse(JSON.parse(await readFile(join(files.claim, 'ledger.json'), 'utf8')));
  const newest = async () => join(files.claim, 'copies', (await readLedger()).copies.at(-1)?.name ?? 'none');
  return {
    files,
    start: (options) => startAgent('dump', task(options), options),
    dump: (options) => runAgent('dump', task(options), options),
    ledger: readLedger,
    copies: async () => (await readdir(join(files.claim, 'copies'))).toSorted(),
    newest,
    facts: async () => factsIn(await newest()),
    remove: files.remove,
  };
};

/** The facts in a local copy. */
export const factsIn = async (directory: string): Promise<InfluxdbFacts> =>
  influxdbFacts.parse(JSON.parse(await readFile(join(directory, 'facts.json'), 'utf8')));

/** The facts of a database as they are now, taken as verification and restore take them. */
export const factsNow = async (
  { host, httpPort }: Pick<InfluxdbServer, 'host' | 'httpPort'>,
  database: string,
  { settledTime }: Pick<InfluxdbFacts, 'settledTime'>,
): Promise<Pick<Surveyed, 'retentionPolicies' | 'fields' | 'shards'>> => {
  const { retentionPolicies, fields, shards } = await survey(createServer({ host, port: httpPort }), {
    database,
    settled: new Date(settledTime),
    atATime: 1,
    signal: new AbortController().signal,
  });
  return { retentionPolicies, fields, shards };
};
