import type { Source } from '../../api/v1alpha1/source.ts';
import { gitDump } from './git.ts';
import { influxdbDump } from './influxdb.ts';
import { mysqlDump } from './mysql.ts';
import type { SourceParts } from './source-parts.ts';

/** What a policy's source adds to the dump container: one line an engine; undefined for one that is not available yet. */
export const sourceParts = ({ mysql, influxdb, git }: Source): SourceParts | undefined => {
  if (mysql !== undefined) return mysqlDump(mysql);
  if (influxdb !== undefined) return influxdbDump(influxdb);
  if (git !== undefined) return gitDump(git);
  return undefined;
};
