import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { maxResultBytes, result as resultSchema, type Result } from '../../../src/api/v1alpha1/result.ts';
import type { CopyOf, DiscardTask, KeepTask, LoadTask, ShowTask, SwapTask } from '../../../src/api/v1alpha1/task.ts';
import type { Gate } from '../../../src/api/v1alpha1/gate.ts';
import { claimLayout } from '../../../src/agent/layout.ts';
import { emptyLedger, ledger as ledgerSchema, type Ledger } from '../../../src/agent/ledger.ts';
import { compileCache } from './compile-cache.ts';
import { makeDirectory } from './directories.ts';
import type { Files } from './duplicity-bench.ts';
import { waitFor } from './processes.ts';
import { subject } from '../../support/subject.ts';

/** What each container is run by: those that no engine has a part in by the agent itself. */
const directories = 'directory-restorer.ts';
const mains = {
  inspect: directories,
  load: directories,
  swap: directories,
  check: directories,
  discard: directories,
  show: 'files-verifier.ts',
  keep: '../../../src/agent/main.ts',
} as const;
const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

/** A database of the directory server: names and contents of its files. */
export type Content = Readonly<Record<string, string>>;

/** A backup of such a database, as the files of a copy. */
export const backupOf = (content: Content, facts: object = {}): Files => ({
  ...Object.fromEntries(Object.entries(content).map(([name, text]) => [`data/${name}`, Buffer.from(text)])),
  'facts.json': Buffer.from(
    JSON.stringify({
      server: 'files 1.2',
      files: Object.fromEntries(Object.entries(content).map(([name, text]) => [name, sha256(text)])),
      ...facts,
    }),
  ),
});

export const restoreId = '0123abcd';

export interface RestoreRun {
  readonly exitCode: number | null;
  readonly result: Result;
  readonly log: string;
  readonly seconds: number;
}

export interface RunOptions {
  readonly fault?: string;
  readonly into?: LoadTask['into'];
  readonly set?: LoadTask['set'];
  readonly id?: string;
  /** A safety copy, instead of the set. */
  readonly copyOf?: CopyOf;
  readonly deadlineSeconds?: number;
  readonly waitSeconds?: number;
  readonly what?: DiscardTask['what'];
  readonly keepSeconds?: number;
}

export interface StartedRestore {
  readonly done: Promise<RestoreRun>;
  /** Waits for these words in its log. */
  reached(words: string): Promise<void>;
  /** The log so far. */
  log(): string;
  terminate(): void;
  /** Kills it, as a lost node does. */
  kill(): Promise<void>;
}

type Name = keyof typeof mains;

/** What the pod of a restore has, with a server that is a directory. */
export interface RestoreBench {
  readonly path: string;
  readonly claim: string;
  readonly scratch: string;
  readonly fetched: string;
  readonly set: LoadTask['set'];
  /** Lays a backup out as a set that was fetched. */
  handOver(files: Files, extra?: Partial<LoadTask['set']>): Promise<void>;
  /** Puts a database into the server. */
  put(name: string, content: Content): Promise<void>;
  /** All that is in the server. */
  databases(): Promise<Record<string, Content>>;
  tell(gate: Gate | string): Promise<void>;
  start(name: Name, options?: RunOptions): Promise<StartedRestore>;
  run(name: Name, options?: RunOptions): Promise<RestoreRun>;
  ledger(): Promise<Ledger>;
  remove(): Promise<void>;
}

export interface RestoreBenchOptions {
  /** Those of a bench that ships; of its own when left out. */
  readonly claim?: string;
  readonly fetched?: string;
}

export const makeRestoreBench = async (options: RestoreBenchOptions = {}): Promise<RestoreBench> => {
  const { path, remove } = await makeDirectory();
  const claim = options.claim ?? join(path, 'claim');
  const fetched = options.fetched ?? join(path, 'fetched');
  const [scratch, server, gate] = [join(path, 's'), join(path, 'server'), join(path, 'gate')];
  for (const directory of [claim, scratch, fetched, server]) await mkdir(directory, { recursive: true });
  const time = '2026-11-22T01:05:01Z';
  const setOf = (files: Files): LoadTask['set'] => ({
    type: 'Full',
    setTime: time,
    dataTime: time,
    chain: 'chain-20261122T010500Z',
    setDigest: 'a'.repeat(64),
    factsDigest: sha256(files['facts.json'] ?? ''),
  });
  let set: LoadTask['set'] = setOf({});
  let runs = 0;

  const start: RestoreBench['start'] = async (name, options = {}) => {
    runs += 1;
    const message = join(path, `result-${runs}`);
    const task: SwapTask & Pick<DiscardTask, 'what'> & ShowTask & KeepTask = {
      kind: 'Restore',
      policy: { namespace: 'shop', name: 'agama' },
      request: { name: 'agama-is-lost', uid: '6f1c' },
      claim,
      scratch,
      subject,
      deadlineSeconds: options.deadlineSeconds ?? 60,
      target: { git: { url: '/app.git', access: { by: 'path', root: '/repositories' } } },
      into: options.into ?? { by: 'InPlace' },
      id: options.id ?? restoreId,
      fetched,
      set: options.set ?? set,
      gate: { file: gate, waitSeconds: options.waitSeconds ?? 20 },
      what: options.what ?? 'Loaded',
      sandbox: { git: {} },
      startSeconds: 5,
      keepSeconds: options.keepSeconds ?? 1,
    };
    const began = performance.now();
    const child = spawn(process.execPath, [join(import.meta.dirname, mains[name]), name], {
      env: {
        ...compileCache,
        PATH: process.env['PATH'],
        HOLDFAST_TASK: JSON.stringify(
          options.copyOf === undefined ? task : { ...task, set: undefined, copyOf: options.copyOf },
        ),
        HOLDFAST_JOB: `restore-${runs}`,
        HOLDFAST_TERMINATION_LOG: message,
        RESTORE_SERVER: server,
        RESTORE_FAULT: options.fault ?? '',
        FILES_FAULT: options.fault ?? '',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (log += part.toString()));
    const closed = once(child, 'close');
    const done = closed.then(async () => {
      const written = await readFile(message, 'utf8');
      expect(Buffer.byteLength(written)).toBeLessThanOrEqual(maxResultBytes);
      const result = resultSchema.parse(JSON.parse(written));
      return { exitCode: child.exitCode, result, log, seconds: (performance.now() - began) / 1000 };
    });
    // Whoever kills it does not look at its result.
    done.catch(() => undefined);
    return {
      done,
      reached: (words) =>
        waitFor(words, async () => {
          if (child.exitCode !== null) throw new Error(`it ended before ${words}: ${log}`);
          return log.includes(words);
        }),
      log: () => log,
      terminate: () => void child.kill('SIGTERM'),
      async kill() {
        child.kill('SIGKILL');
        await closed;
      },
    };
  };

  return {
    path,
    claim,
    scratch,
    fetched,
    get set() {
      return set;
    },
    async handOver(files, extra) {
      set = { ...setOf(files), ...extra };
      const directory = join(fetched, 'latest');
      await rm(directory, { recursive: true, force: true });
      await mkdir(join(directory, 'data'), { recursive: true });
      for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
      const seen = { outcome: 'Passed', evidence: 'seen' };
      const checks = { created: seen, readable: seen, complete: seen };
      await writeFile(
        join(fetched, 'fetched.json'),
        JSON.stringify({ latest: { set, directory, checks, bytes: 30, seconds: 1.5 } }),
      );
    },
    async put(name, content) {
      await rm(join(server, name), { recursive: true, force: true });
      await mkdir(join(server, name));
      for (const [file, text] of Object.entries(content)) await writeFile(join(server, name, file), text);
    },
    async databases() {
      const found: Record<string, Content> = {};
      for (const name of await readdir(server)) {
        const files = await readdir(join(server, name));
        const texts = await Promise.all(
          files.map(async (file) => [file, await readFile(join(server, name, file), 'utf8')] as const),
        );
        found[name] = Object.fromEntries(texts);
      }
      return found;
    },
    tell: (gate_) => writeFile(gate, typeof gate_ === 'string' ? gate_ : JSON.stringify(gate_)),
    start,
    run: async (name, runOptions) => (await start(name, runOptions)).done,
    async ledger() {
      try {
        return ledgerSchema.parse(JSON.parse(await readFile(claimLayout(claim).ledger, 'utf8')));
      } catch {
        return emptyLedger();
      }
    },
    remove,
  };
};

/** What a test looks at: the outcome or the reason, and what the destination holds. */
export const outcomeOf = ({ exitCode, result: { outcome, failure, restore } }: RestoreRun): unknown[] => {
  expect(exitCode).toBe(outcome === 'Succeeded' ? 0 : 1);
  return [failure === undefined ? outcome : `${failure.reason} at ${failure.step}`, restore?.state];
};

/** The operator's word that all is down, as of so many seconds from now. */
export const held = (seconds = 0): Gate => ({
  state: 'Held',
  since: '2026-11-22T01:00:00.000Z',
  asOf: new Date(Date.now() + seconds * 1000).toISOString(),
});
