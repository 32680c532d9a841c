import { createGitRestorer } from '../engines/git/restore/restorer.ts';
import { createInfluxdbRestorer } from '../engines/influxdb/restore/restorer.ts';
import { createMysqlRestorer } from '../engines/mysql/restore/restorer.ts';
import type { RestorerFor } from './restorer.ts';

/** What restores, for a task's target: one line an engine, by the block that it reads. */
export const restorerFor: RestorerFor = ({ target, into, id }) => {
  if ('influxdb' in target) return createInfluxdbRestorer({ target: target.influxdb, into, id });
  if ('git' in target) return createGitRestorer({ target: target.git, into, id });
  return createMysqlRestorer({ target: target.mysql, into, id });
};
