import type { Sandbox } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import { createMysqlVerifier } from '../engines/mysql/verifier.ts';
import type { VerifyEngine } from './engine.ts';

/** The block of each engine in the task. */
type Blocks = Sandbox extends infer Each ? (Each extends unknown ? Each : never) : never;
type EngineName = Blocks extends infer Each ? (Each extends unknown ? keyof Each : never) : never;
type BlockOf<Name extends EngineName> = Extract<Blocks, Readonly<Record<Name, unknown>>>[Name &
  keyof Extract<Blocks, Readonly<Record<Name, unknown>>>];

/** What loads and compares: one line an engine, by the block of the scratch server. */
const verifiers: { readonly [Name in EngineName]?: (sandbox: BlockOf<Name>) => VerifyEngine } = {
  mysql: createMysqlVerifier,
};

const missing = (name: EngineName) => (): never => {
  throw new RunError('InternalError', `This agent cannot verify what was dumped from ${name}.`);
};

/** The engine for a task's scratch server. @throws RunError InternalError for one that this version cannot verify */
export const verifierFor = (sandbox: Sandbox): VerifyEngine => {
  if ('mysql' in sandbox) return (verifiers.mysql ?? missing('mysql'))(sandbox.mysql);
  if ('influxdb' in sandbox) return (verifiers.influxdb ?? missing('influxdb'))(sandbox.influxdb);
  return (verifiers.git ?? missing('git'))(sandbox.git);
};
