import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createMysqlRestorer } from '../../../src/agent/engines/mysql/restore/restorer.ts';
import type { RestoreContext, RestoreEngine } from '../../../src/agent/restore/engine.ts';
import { createRun } from '../../../src/agent/run.ts';
import type { Compared } from '../../../src/agent/verify/engine.ts';
import type { DestinationState } from '../../../src/api/v1alpha1/restore-report.ts';
import type { MysqlTask } from '../../../src/api/v1alpha1/sources/mysql.ts';
import type { DestinationTask, RestoreInto } from '../../../src/api/v1alpha1/task.ts';
import { RunError } from '../../../src/errors/run-error.ts';
import { makeDirectory } from './directories.ts';
import { puttingBack } from './engine-restore-bench.ts';
import { subject } from '../../support/subject.ts';
import { plannedSet } from './planned-set.ts';

/** The engine of a restore in this process, as its containers call it. */
export interface MysqlRestore {
  readonly engine: RestoreEngine;
  readonly context: RestoreContext;
  /** What a container leaves there, the next one finds. */
  readonly fetched: string;
  /** What the engine has logged. */
  readonly log: readonly string[];
  /** What a person is told although it succeeds. */
  readonly notes: readonly { readonly reason: string; readonly message: string }[];
  /** What swap told, in order. */
  readonly states: DestinationState[];
  swap(directory: string): ReturnType<RestoreEngine['swap']>;
  /** All steps of a restore in place; what was compared last. */
  inPlace(directory: string): Promise<Compared>;
  /** All steps of putting back what restore `from` has set aside; what was compared last. */
  putBack(from: string): Promise<Compared>;
  /** Ends everything at once, as a lost node does. */
  kill(): void;
}

export interface MysqlRestores {
  restore(id: string, options?: RestoreOptions): Promise<MysqlRestore>;
  remove(): Promise<void>;
}

export interface RestoreOptions {
  readonly into?: RestoreInto;
  readonly target?: Partial<MysqlTask>;
}

/** Makes restorers for one server, for the account in a directory. */
export const makeRestores = async (
  server: { readonly host: string; readonly port: number },
  credentials: string,
  databases: string[],
): Promise<MysqlRestores> => {
  const { path, remove } = await makeDirectory();
  let made = 0;
  return {
    async restore(id, { into = { by: 'InPlace' } satisfies RestoreInto, target: other }: RestoreOptions = {}) {
      made += 1;
      const scratch = join(path, `s${made}`);
      const fetched = join(path, `f${made}`);
      for (const directory of [join(path, 'claim'), scratch, fetched]) await mkdir(directory, { recursive: true });
      const abort = new AbortController();
      const log: string[] = [];
      const say =
        (level: string) =>
        (message: string, fields: Record<string, unknown> = {}) => {
          const words = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
          log.push(`${level} ${message} ${words.join(' ')}`);
        };
      const target = {
        host: server.host,
        port: server.port,
        databases,
        credentials,
        credentialsSecret: 'mysql-account',
        ...other,
      };
      const { context, notes } = createRun<DestinationTask>({
        task: {
          kind: 'Restore',
          request: { name: 'lost', uid: 'u' },
          policy: { namespace: 'agama', name: 'mysql' },
          claim: join(path, 'claim'),
          scratch,
          subject,
          deadlineSeconds: 600,
          target: { mysql: target },
          into,
          id,
          fetched,
          set: plannedSet,
        },
        jobName: 'restore-1',
        startTime: new Date(),
        signal: abort.signal,
        stop: (failure) => abort.abort(failure),
        now: () => new Date(),
        createLog: () => ({ debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') }),
      });
      const engine = createMysqlRestorer({ target, into, id });
      const states: DestinationState[] = [];
      const swap = (directory: string) => engine.swap(context, directory, (state) => states.push(state));
      return {
        engine,
        context,
        fetched,
        log,
        notes,
        states,
        swap,
        async inPlace(directory) {
          await engine.recover(context);
          await engine.load(context, directory);
          const compared = await engine.compare(context, directory);
          if (compared.mismatches.length > 0 || compared.notWitnessed.length > 0) return compared;
          await swap(directory);
          return engine.check(context, directory);
        },
        async putBack(from) {
          const back = puttingBack(engine, { id: from, count: 1 });
          const directory = join(scratch, 'copy');
          await mkdir(directory, { recursive: true });
          await engine.recover(context);
          await back.load(context, directory);
          const compared = await back.compare(context, directory);
          if (compared.mismatches.length > 0) return compared;
          await back.swap(context, directory, (state) => states.push(state));
          return back.check(context, directory);
        },
        kill: () => abort.abort(new RunError('Interrupted', 'The pod was killed.')),
      };
    },
    remove,
  };
};
