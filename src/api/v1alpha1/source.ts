import { z } from 'zod';
import type { DeepReadonly } from '../../base/types.ts';
import { celRules, exactlyOneOf } from './primitives.ts';
import { filesSource } from './sources/files.ts';
import { gitSource } from './sources/git.ts';
import { influxdbSource } from './sources/influxdb.ts';
import { mysqlSource } from './sources/mysql.ts';

/** Where the data is read from. Adding an engine is one more block here and one folder in the agent. */
export const source = z
  .object({
    mysql: mysqlSource.optional(),
    influxdb: influxdbSource.optional(),
    git: gitSource.optional(),
    files: filesSource.optional(),
  })
  .meta(celRules(exactlyOneOf('source', ['mysql', 'influxdb', 'git', 'files'])))
  .describe('What is backed up. Exactly one of mysql, influxdb, git, files.');
export type Source = DeepReadonly<z.output<typeof source>>;
