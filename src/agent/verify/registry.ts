import type { Sandbox } from '../../api/v1alpha1/task.ts';
import { createGitVerifier } from '../engines/git/verify.ts';
import { createInfluxdbVerifier } from '../engines/influxdb/verify.ts';
import { createMysqlVerifier } from '../engines/mysql/verify.ts';
import type { VerifyEngine } from './engine.ts';

/** What loads and compares, for a task's scratch server: one line an engine, by the block that it reads. */
export const verifierFor = (sandbox: Sandbox): VerifyEngine => {
  if ('influxdb' in sandbox) return createInfluxdbVerifier(sandbox.influxdb);
  if ('git' in sandbox) return createGitVerifier(sandbox.git);
  return createMysqlVerifier(sandbox.mysql);
};
