import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdir, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { result as resultSchema, type Result } from '../../../src/api/v1alpha1/result.ts';
import type { Subject } from '../../../src/api/v1alpha1/recovery-points.ts';
import type { RsyncTask } from '../../../src/api/v1alpha1/repositories/rsync.ts';
import {
  jobVariable,
  taskVariable,
  type BringTask,
  type FetchTask,
  type PruneTask,
  type ResolveTask,
  type ShipRepository,
  type ShipTask,
} from '../../../src/api/v1alpha1/task.ts';
import { errorCode } from '../../../src/agent/disk.ts';
import { claimLayout, compactTime } from '../../../src/agent/layout.ts';
import { emptyLedger, ledger as ledgerSchema, type Ledger, type LedgerSet } from '../../../src/agent/ledger.ts';
import { rsyncIdentity } from '../../../src/api/v1alpha1/repositories/rsync.ts';
import { volumeIdentity } from '../../../src/api/v1alpha1/repositories/volume.ts';
import { compileCache } from './compile-cache.ts';
import { makeDirectory } from './directories.ts';
import { duplicityDirectory } from './duplicity.ts';
import type { TestRepository } from './repositories.ts';
import { subject } from '../../support/subject.ts';

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
  readonly subject?: Subject;
  readonly deadlineSeconds?: number;
  readonly scratch?: string;
  /** A directory whose programs stand before the real ones. */
  readonly programs?: string;
  /** A program, with arguments, that starts the agent. */
  readonly before?: readonly string[];
}

export interface PruneOptions {
  readonly retention?: Partial<PruneTask['retention']>;
  /** What the operator's clock says; the copies of a bench are of January 2026. */
  readonly asOf: string;
  readonly protect?: readonly string[];
  readonly acceptShrink?: string;
  readonly timeZone?: string;
  readonly cluster?: string;
  readonly rsync?: Partial<RsyncTask>;
  readonly deadlineSeconds?: number;
  readonly programs?: string;
}

export interface FetchOptions extends Pick<
  ShipOptions,
  'rsync' | 'place' | 'cluster' | 'deadlineSeconds' | 'scratch' | 'programs' | 'before'
> {
  readonly decryption?: FetchTask['decryption'];
  readonly points?: FetchTask['points'];
  /** Another directory than the bench's own. */
  readonly fetched?: string;
}

export interface ResolveOptions extends Pick<ShipOptions, 'rsync' | 'place' | 'cluster' | 'deadlineSeconds'> {
  readonly point?: ResolveTask['point'];
  readonly acceptUnrecorded?: boolean;
  readonly encryption?: ResolveTask['encryption'];
}

export interface BringOptions extends Pick<ShipOptions, 'rsync' | 'cluster' | 'deadlineSeconds' | 'programs'> {
  readonly set: BringTask['set'];
  readonly decryption?: FetchTask['decryption'];
  readonly request?: BringTask['request'];
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
  /** The identity of the repository, as the ledger keeps it. */
  readonly repositoryId: string;
  /** Puts keys into a mounted Secret and gives back where it is. */
  secret(name: string, keys: Readonly<Record<string, string>>): Promise<{ directory: string; secret: string }>;
  /** Puts a local copy on the claim, as a dump does; each is a day newer than the one before, unless told. */
  addCopy(files: Files, options?: { readonly dataTime?: Date; readonly rows?: number }): Promise<string>;
  /**
   * Puts a chain onto host and claim without running duplicity: files of its names, one volume a set, and what the ledger says of them.
   * Its sets are of these times; the first is the full.
   */
  addChain(times: readonly Date[], options?: { readonly rows?: number; readonly bytes?: number }): Promise<string>;
  prune(options: PruneOptions): Promise<ShipRun>;
  start(options?: ShipOptions): Promise<Started>;
  ship(options?: ShipOptions): Promise<ShipRun>;
  /** Where fetched sets are laid. */
  readonly fetched: string;
  startFetch(options?: FetchOptions): Promise<Started>;
  fetch(options?: FetchOptions): Promise<ShipRun>;
  resolve(options?: ResolveOptions): Promise<ShipRun>;
  startBring(options: BringOptions): Promise<Started>;
  bring(options: BringOptions): Promise<ShipRun>;
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
  const fetched = join(path, 'fetched');
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

  const blockOf = async (options: Pick<ShipOptions, 'place' | 'rsync'>): Promise<ShipRepository> => {
    const block = await kind.block(secret, options.place ?? place);
    return 'rsync' in block ? { rsync: { ...block.rsync, ...options.rsync } } : block;
  };
  const identityOf = (block: ShipRepository): string =>
    'rsync' in block ? rsyncIdentity(block.rsync) : volumeIdentity(block.volume);
  const repositoryId = identityOf(await blockOf({}));

  const commonOf = async (
    options: Pick<ShipOptions, 'scratch' | 'deadlineSeconds' | 'cluster' | 'place' | 'rsync' | 'subject'>,
  ) => ({
    policy,
    claim,
    scratch: options.scratch ?? scratch,
    subject: options.subject ?? subject,
    deadlineSeconds: options.deadlineSeconds ?? 120,
    cluster: options.cluster ?? 'a-cluster',
    repository: await blockOf(options),
  });

  const taskOf = async (options: ShipOptions): Promise<ShipTask> => ({
    kind: options.kind ?? 'Full',
    ...(await commonOf(options)),
    adopt: options.adopt ?? false,
    encryption: options.encryption ?? { method: 'none' },
  });

  const pruneTaskOf = async (options: PruneOptions): Promise<PruneTask> => ({
    kind: 'Prune',
    ...(await commonOf(options)),
    retention: { freezeOnShrink: 50, ...(options.retention ?? { keepFor: '1w' }) },
    timeZone: options.timeZone ?? 'Etc/UTC',
    asOf: options.asOf,
    protect: [...(options.protect ?? [])],
    ...(options.acceptShrink !== undefined && { acceptShrink: options.acceptShrink }),
    rule: 'a-rule',
    fullTime: '2026-01-01T00:00:00Z',
  });

  const fetchTaskOf = async (options: FetchOptions): Promise<FetchTask> => ({
    ...(await commonOf(options)),
    kind: 'Verify',
    decryption: options.decryption ?? { method: 'none' },
    points: options.points ?? 'Latest',
    fetched: options.fetched ?? fetched,
  });

  const request = { name: 'agama-is-lost', uid: '6f1c' };

  const resolveTaskOf = async (options: ResolveOptions): Promise<ResolveTask> => ({
    ...(await commonOf(options)),
    kind: 'Restore',
    request,
    point: options.point ?? { by: 'Latest' },
    acceptUnrecorded: options.acceptUnrecorded ?? false,
    encryption: options.encryption ?? 'none',
  });

  const bringTaskOf = async (options: BringOptions): Promise<BringTask> => ({
    ...(await commonOf(options)),
    kind: 'Restore',
    request: options.request ?? request,
    decryption: options.decryption ?? { method: 'none' },
    set: options.set,
    fetched,
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

  const newJob = (): string => {
    runs += 1;
    return `job-${runs}`;
  };

  const launch = (
    container: 'ship' | 'prune' | 'fetch' | 'resolve' | 'bring',
    task: ShipTask | PruneTask | FetchTask | ResolveTask | BringTask,
    job: string,
    { before = [], programs }: Pick<ShipOptions, 'before' | 'programs'>,
  ): Started => {
    const message = join(path, `result-${job}`);
    const [file = '', ...args] = [...before, process.execPath, main, container];
    const child = spawn(file, args, {
      env: {
        ...compileCache,
        PATH: [...(programs ? [programs] : []), bin, process.env['PATH'] ?? '/usr/bin:/bin'].join(':'),
        [taskVariable]: JSON.stringify(task),
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

  const start: Bench['start'] = async (options = {}) => {
    const job = newJob();
    await take(job);
    return launch('ship', await taskOf(options), job, options);
  };

  const startFetch: Bench['startFetch'] = async (options = {}) =>
    launch('fetch', await fetchTaskOf(options), newJob(), options);

  const startBring: Bench['startBring'] = async (options) =>
    launch('bring', await bringTaskOf(options), newJob(), options);

  return {
    path,
    claim,
    scratch,
    fetched,
    startFetch,
    fetch: async (options) => (await startFetch(options)).done,
    resolve: async (options = {}) => launch('resolve', await resolveTaskOf(options), newJob(), {}).done,
    startBring,
    bring: async (options) => (await startBring(options)).done,
    place,
    repository,
    repositoryId,
    secret,
    start,
    ledger,
    ship: async (options) => (await start(options)).done,
    prune: async (options) => launch('prune', await pruneTaskOf(options), newJob(), options).done,
    async addCopy(files, options = {}) {
      copies += 1;
      const dataTime = options.dataTime ?? new Date(Date.UTC(2026, 0, copies, 1, 0, 3));
      const name = compactTime(dataTime);
      for (const [file, content] of Object.entries(files)) {
        await mkdir(dirname(join(layout.copies, name, file)), { recursive: true });
        await writeFile(join(layout.copies, name, file), content);
        // duplicity takes a file of the same second for unchanged, whatever its size: these are weeks apart, and written within one.
        await utimes(join(layout.copies, name, file), dataTime, dataTime);
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
        factsDigest: sha256(files['facts.json'] ?? Buffer.from(name)),
        ...(options.rows !== undefined && { rows: options.rows }),
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
    async addChain(times, { rows, bytes = 1000 } = {}) {
      const stamps = times.map(compactTime);
      const [first = ''] = stamps;
      const directory = `chain-${first}`;
      await mkdir(join(repository, directory), { recursive: true });
      await mkdir(join(layout.archive, directory), { recursive: true });
      const marker = { cluster: 'a-cluster', ...policy };
      await writeFile(join(repository, 'holdfast-owner.json'), `${JSON.stringify(marker)}\n`);
      const sets: LedgerSet[] = [];
      for (const [index, stamp] of stamps.entries()) {
        const span = index === 0 ? stamp : `${stamps[index - 1]}.to.${stamp}`;
        const kind = index === 0 ? 'full' : 'inc';
        const names = [
          `duplicity-${kind}.${span}.vol1.difftar`,
          `duplicity-${kind}.${span}.manifest`,
          `duplicity-${index === 0 ? 'full' : 'new'}-signatures.${span}.sigtar`,
        ];
        for (const name of names) await writeFile(join(repository, directory, name), name);
        for (const name of names.slice(1)) await writeFile(join(layout.archive, directory, name), name);
        const time = (times[index] ?? new Date()).toISOString().replace('.000', '');
        sets.push({
          type: index === 0 ? 'Full' : 'Incremental',
          setTime: time,
          dataTime: time,
          completionTime: time,
          durationSeconds: 1,
          sizeBytes: 100,
          sentBytes: 100,
          jobName: 'job-of-chain',
          setDigest: sha256(Buffer.from(names[1] ?? '')),
          copy: stamp,
          sourceBytes: bytes,
          ...(rows !== undefined && { sourceRows: rows }),
          files: names.map((name) => ({ name, size: name.length })),
        });
      }
      const earlier = await ledger();
      const chain = {
        repository: repositoryId,
        directory,
        place: subject.repository,
        encryption: 'none',
        sets,
        checkedTime: sets.at(-1)?.completionTime ?? '',
      };
      await writeFile(layout.ledger, JSON.stringify({ ...earlier, chains: [...earlier.chains, chain] }));
      return directory;
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
      for (const home of ['ship/gpg', 'fetch/gpg'])
        await execa('gpgconf', ['--homedir', join(scratch, home), '--kill', 'all'], { reject: false });
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
