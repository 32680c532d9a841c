import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ledger, type Ledger } from '../../../src/agent/ledger.ts';
import { runAgent, startAgent, type AgentEnd, type AgentOptions, type RunningAgent } from './agent.ts';
import type { MariadbServer } from './mariadb.ts';
import { makeDumpTask, makePolicyFiles, type PolicyFiles } from './policy-files.ts';

type Mysql = Parameters<typeof makeDumpTask>[1];
type Extra = Parameters<typeof makeDumpTask>[2];

export interface DumpOptions extends AgentOptions {
  readonly mysql?: Partial<Mysql>;
  readonly task?: Extra;
}

/** One policy's files and its dump container: for tests that dump from a server. */
export interface MysqlBench {
  readonly files: PolicyFiles;
  task(options?: DumpOptions): ReturnType<typeof makeDumpTask>;
  start(options?: DumpOptions): Promise<RunningAgent>;
  dump(options?: DumpOptions): Promise<AgentEnd>;
  ledger(): Promise<Ledger>;
  /** Names among the local copies, partial ones included. */
  copies(): Promise<string[]>;
  remove(): Promise<void>;
}

export const benchDatabase = 'agama';
export const benchAccount = { username: 'backup', password: 'correct horse battery staple' };

export const makeMysqlBench = async (
  { host, port }: Pick<MariadbServer, 'host' | 'port'>,
  account: Readonly<Record<string, string>> = benchAccount,
): Promise<MysqlBench> => {
  const files = await makePolicyFiles();
  const credentials = await files.secret('mysql-account', account);
  const task = ({ mysql, task: extra }: DumpOptions = {}) =>
    makeDumpTask(files, { host, port, databases: [benchDatabase], credentials, ...mysql }, extra);
  return {
    files,
    task,
    start: (options) => startAgent('dump', task(options), options),
    dump: (options) => runAgent('dump', task(options), options),
    ledger: async () => ledger.parse(JSON.parse(await readFile(join(files.claim, 'ledger.json'), 'utf8'))),
    copies: async () => (await readdir(join(files.claim, 'copies'))).toSorted(),
    remove: files.remove,
  };
};
