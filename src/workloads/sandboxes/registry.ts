import type { Source } from '../../api/v1alpha1/source.ts';
import { gitSandbox } from './git.ts';
import { influxdbSandbox } from './influxdb.ts';
import { mysqlSandbox } from './mysql.ts';
import type { SandboxParts } from './sandbox-parts.ts';

/** What verifying a policy's source takes: one line an engine; undefined for one that is not available yet. */
export const sandboxParts = ({ mysql, influxdb, git }: Source): SandboxParts | undefined => {
  if (mysql !== undefined) return mysqlSandbox();
  if (influxdb !== undefined) return influxdbSandbox();
  if (git !== undefined) return gitSandbox();
  return undefined;
};
