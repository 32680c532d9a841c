import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import type { dumpTask } from '../../../src/api/v1alpha1/task.ts';
import { makeDirectory } from './directories.ts';
import { subject } from '../../support/subject.ts';

/** What the pods of one policy have: a claim, a scratch directory, mounted Secrets. */
export interface PolicyFiles {
  readonly claim: string;
  readonly scratch: string;
  /** Mounts a Secret; gives back its directory. Without keys it is an empty mount, as of a Secret that is missing. */
  secret(name: string, keys: Readonly<Record<string, string>>): Promise<string>;
  remove(): Promise<void>;
}

export const makePolicyFiles = async (): Promise<PolicyFiles> => {
  const { path, remove } = await makeDirectory();
  for (const name of ['claim', 'scratch', 'secrets']) await mkdir(join(path, name));
  return {
    claim: join(path, 'claim'),
    scratch: join(path, 'scratch'),
    async secret(name, keys) {
      const directory = join(path, 'secrets', name);
      await mkdir(directory, { recursive: true });
      for (const [key, value] of Object.entries(keys)) await writeFile(join(directory, key), value);
      return directory;
    },
    remove,
  };
};

export type DumpTaskInput = z.input<typeof dumpTask>;
type MysqlInput = Extract<DumpTaskInput['source'], { mysql: unknown }>['mysql'];

/** A task of the dump container for a MySQL source. */
export const makeDumpTask = (
  files: Pick<PolicyFiles, 'claim' | 'scratch'>,
  mysql: Omit<MysqlInput, 'credentialsSecret'>,
  extra: Partial<Omit<DumpTaskInput, 'source'>> = {},
): DumpTaskInput & { source: { mysql: MysqlInput } } => ({
  kind: 'LocalCopy',
  policy: { namespace: 'agama', name: 'mysql' },
  claim: files.claim,
  scratch: files.scratch,
  subject,
  deadlineSeconds: 60,
  keep: 2,
  source: { mysql: { ...mysql, credentialsSecret: 'mysql-account' } },
  ...extra,
});
