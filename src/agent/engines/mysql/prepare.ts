import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { MysqlTask } from '../../../api/v1alpha1/sources/mysql.ts';
import type { RunContext } from '../../run.ts';
import type { NetworkAccount } from './connect.ts';
import { writeOptionFile } from './option-file.ts';
import { readTls, writeTlsFiles } from './tls.ts';

/** Reads the Secrets of the task. @throws RunError SecretMissing, SecretInvalid */
export const readAccount = async (context: RunContext, source: MysqlTask): Promise<NetworkAccount> => {
  const mount = { directory: source.credentials, secret: source.credentialsSecret };
  const username = await context.secrets.read(mount, 'username', { public: true });
  const password = await context.secrets.read(mount, 'password');
  const tls = source.tls === undefined ? undefined : await readTls(context, source.tls);
  return { host: source.host, port: source.port, username, password, tls };
};

/** The files in the scratch directory that mariadb-dump signs in with; whatever is left of an earlier try goes first. */
export const writeOptions = async (
  { task }: RunContext,
  account: NetworkAccount,
): Promise<{ file: string; remove(): Promise<void> }> => {
  const { host, port, username, password, tls } = account;
  const directory = join(task.scratch, 'mysql');
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  await remove();
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'client.cnf');
  const encrypted = tls === undefined ? {} : await writeTlsFiles(tls, directory);
  await writeOptionFile(file, { host, port: String(port), user: username, password, ...encrypted });
  return { file, remove };
};
