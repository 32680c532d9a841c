import type { DumpSource } from '../../api/v1alpha1/task.ts';
import { createGitEngine } from '../engines/git/engine.ts';
import { createInfluxdbEngine } from '../engines/influxdb/engine.ts';
import { createMysqlEngine } from '../engines/mysql/engine.ts';
import type { Engine } from './engine.ts';

/** The engine for a task's source: one line an engine, by the block of the source that it reads. */
export const engineFor = (source: DumpSource): Engine => {
  if ('influxdb' in source) return createInfluxdbEngine(source.influxdb);
  if ('git' in source) return createGitEngine(source.git);
  return createMysqlEngine(source.mysql);
};
