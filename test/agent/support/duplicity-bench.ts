import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { result as resultSchema, type Result } from '../../../src/api/v1alpha1/result.ts';
import type { RsyncTask } from '../../../src/api/v1alpha1/repositories/rsync.ts';
import { jobVariable, taskVariable, type ShipRepository, type ShipTask } from '../../../src/api/v1alpha1/task.ts';
import { errorCode } from '../../../src/agent/disk.ts';
import { claimLayout, compactTime } from '../../../src/agent/layout.ts';
import { emptyLedger, ledger as ledgerSchema, type Ledger } from '../../../src/agent/ledger.ts';
import { makeDirectory } from './directories.ts';
import { duplicityDirectory } from './duplicity.ts';
import type { TestRepository } from './repositories.ts';

const main = join(import.meta.dirname, '../../../src/agent/main.ts');

export type Files = Readonly<Record<string, Buffer>>;

/** A run of the agent as a process of its own. */
export interface ShipRun {
  readonly exitCode: number | null;
  readonly result: Result;
  /** All that it wrote to stdout and stderr. */
  readonly log: string;
}

export interface Started {
  readonly pid: number;
  readonly done: Promise<ShipRun>;
  /** The log so far. */
  log(): string;
}

export interface ShipOptions {
  readonly kind?: ShipTask['kind'];
  /** Fields of the block rsync that differ. */
  readonly rsync?: Partial<RsyncTask>;
  /** Another directory of this machine for the repository; see TestRepository. */
  readonly place?: string;
  readonly adopt?: boolean;
  readonly cluster?: string;
  readonly encryption?: ShipTask['encryption'];
  readonly deadlineSeconds?: number;
  readonly scratch?: string;
  /** A directory whose programs stand before the real ones. */
  readonly programs?: string;
  /** A program, with arguments, that starts the agent. */
  readonly before?: readonly string[];
}

/** A policy with its claim, its Secrets and its place in the repository. */
export interface Bench {
  readonly path: string;
  readonly claim: string;
  readonly scratch: string;
  /** The path of the repository, as this machine sees it. */
  readonly place: string;
  /** The directory of the policy below it. */
  readonly repository: string;
  /** Puts keys into a mounted Secret and gives back where it is. */
  secret(name: string, keys: Readonly<Record<string, string>>): Promise<{ directory: string; secret: string }>;
  /** Puts a local copy on the claim, as a dump does; each is a day newer than the one before. */
  addCopy(files: Files): Promise<string>;
  start(options?: ShipOptions): Promise<Started>;
  ship(options?: ShipOptions): Promise<ShipRun>;
  ledger(): Promise<Ledger>;
  /** The directories of chains in the repository, oldest first. */
  chains(): Promise<string[]>;
  /** Puts a program in front of the real one. */
  program(name: string, script: string): Promise<string>;
  remove(): Promise<void>;
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
const policy = { namespace: 'shop', name: 'agama' };

export const makeBench = async (kind: TestRepository): Promise<Bench> => {
  const made = await makeDirectory();
  const { path } = made;
  const claim = join(path, 'claim');
  const scratch = join(path, 's');
  const layout = claimLayout(claim);
  const place = join(kind.directory, path.slice(path.lastIndexOf('/') + 1));
  const repository = join(place, policy.namespace, policy.name);
  const bin = await duplicityDirectory();
  for (const directory of [claim, scratch, place, join(path, 'secrets')]) await mkdir(directory, { recursive: true });
  let copies = 0;
  let runs = 0;

  const secret: Bench['secret'] = async (name, keys) => {
    const directory = join(path, 'secrets', name);
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory);
    for (const [key, value] of Object.entries(keys)) await writeFile(join(directory, key), value, { mode: 0o440 });
    return { directory, secret: name };
  };

  const blockOf = async (options: ShipOptions): Promise<ShipRepository> => {
    const block = await kind.block(secret, options.place ?? place);
    return 'rsync' in block ? { rsync: { ...block.rsync, ...options.rsync } } : block;
  };

  const taskOf = async (options: ShipOptions): Promise<ShipTask> => ({
    kind: options.kind ?? 'Full',
    policy,
    claim,
    scratch: options.scratch ?? scratch,
    deadlineSeconds: options.deadlineSeconds ?? 120,
    cluster: options.cluster ?? 'a-cluster',
    repository: await blockOf(options),
    adopt: options.adopt ?? false,
    encryption: options.encryption ?? { method: 'none' },
  });

  const ledger: Bench['ledger'] = async () => {
    try {
      return ledgerSchema.parse(JSON.parse(await readFile(layout.ledger, 'utf8')));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return emptyLedger();
      throw error;
    }
  };

  /** What the dump container does for the run that follows it: the newest copy is this Job's, unless it was shipped. */
  const take = async (job: string): Promise<void> => {
    const now = await ledger();
    const newest = now.copies.at(-1);
    if (newest === undefined || newest.shippedAs !== undefined) return;
    const copies = [...now.copies.slice(0, -1), { ...newest, takenBy: job }];
    await writeFile(layout.ledger, JSON.stringify({ ...now, copies }));
  };

  const start: Bench['start'] = async (options = {}) => {
    runs += 1;
    const job = `job-${runs}`;
    await take(job);
    const message = join(path, `result-${runs}`);
    const [file = '', ...args] = [...(options.before ?? []), process.execPath, main, 'ship'];
    const child = spawn(file, args, {
      env: {
        PATH: [...(options.programs ? [options.programs] : []), bin, process.env['PATH'] ?? '/usr/bin:/bin'].join(':'),
        [taskVariable]: JSON.stringify(await taskOf(options)),
        [jobVariable]: job,
        HOLDFAST_TERMINATION_LOG: message,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        log += text;
      });
    }
    if (child.pid === undefined) throw new Error('the agent did not start');
    const done = once(child, 'close').then(async () => ({
      exitCode: child.exitCode,
      log,
      result: resultSchema.parse(JSON.parse(await readFile(message, 'utf8'))),
    }));
    // Whoever kills the agent does not look at its result.
    done.catch(() => undefined);
    return { pid: child.pid, done, log: () => log };
  };

  return {
    path,
    claim,
    scratch,
    place,
    repository,
    secret,
    start,
    ledger,
    ship: async (options) => (await start(options)).done,
    async addCopy(files) {
      copies += 1;
      const dataTime = new Date(Date.UTC(2026, 0, copies, 1, 0, 3));
      const name = compactTime(dataTime);
      for (const [file, content] of Object.entries(files)) {
        await mkdir(dirname(join(layout.copies, name, file)), { recursive: true });
        await writeFile(join(layout.copies, name, file), content);
      }
      const earlier = await ledger();
      const time = dataTime.toISOString().replace('.000', '');
      const copy = {
        name,
        dataTime: time,
        completionTime: time,
        durationSeconds: 1,
        sizeBytes: Object.values(files).reduce((sum, { length }) => sum + length, 0),
        jobName: `job-copy-${copies}`,
        factsDigest: sha256(Buffer.from(name)),
        files: Object.entries(files).map(([file, content]) => ({
          name: file,
          size: content.length,
          sha256: sha256(content),
        })),
      };
      await writeFile(
        layout.ledger,
        JSON.stringify({
          ...earlier,
          copies: [...earlier.copies, copy],
        }),
      );
      return name;
    },
    async chains() {
      const names = await readdir(repository);
      return names.filter((name) => name.startsWith('chain-')).toSorted();
    },
    async program(name, script) {
      const directory = join(path, `programs-${name}`);
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, name), script, { mode: 0o755 });
      return directory;
    },
    async remove() {
      await execa('gpgconf', ['--homedir', join(scratch, 'ship/gpg'), '--kill', 'all'], { reject: false });
      await made.remove();
      await rm(place, { recursive: true, force: true });
    },
  };
};

/** Names and digests, which compare faster than content. */
export const digests = (files: Files): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [name, sha256(content)]));

/** The files below a directory, with their digests. */
export const readDigests = async (directory: string): Promise<Record<string, string>> => {
  const files: Record<string, Buffer> = {};
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    files[file.slice(directory.length + 1)] = await readFile(file);
  }
  return digests(files);
};

/** Changes a file behind everyone's back. */
export const damage = (file: string): Promise<void> => appendFile(file, 'x');
