import { open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunError } from '../../../errors/run-error.ts';
import { lastWords, type Ended } from '../../exec.ts';
import type { RunContext } from '../../run.ts';

const program = 'mariadb-dump';

/** How often the file is looked at while writers wait for the dump's snapshot. */
const pollMs = 20;

/**
 * Everything of the databases, plain and in a stable order, since the deltas of incrementals live on that; see
 * https://mariadb.com/kb/en/mariadb-dump/. `--skip-add-locks`: LOCK TABLES breaks loading column defaults that use a sequence.
 */
const dumpArguments = (databases: readonly string[], options: readonly string[]): string[] => [
  '--single-transaction',
  '--quick',
  '--skip-dump-date',
  '--order-by-primary',
  '--routines',
  '--triggers',
  '--events',
  '--hex-blob',
  '--skip-add-locks',
  '--max-allowed-packet=1G',
  '--default-character-set=utf8mb4',
  ...options,
  '--databases',
  '--',
  ...databases,
];

interface Invocation {
  readonly optionFile: string;
  readonly args: readonly string[];
  readonly stdout: { readonly fd: number };
}

/** Runs mariadb-dump to its end. Lines are written as they come: the first of a database shows that the snapshot is open. */
export const mariadbDump = (context: RunContext, { optionFile, args, stdout }: Invocation): Promise<Ended> =>
  context.run({
    file: 'stdbuf',
    args: ['--output=L', program, `--defaults-file=${optionFile}`, '--protocol=TCP', ...args],
    stdout,
  });

/** A dump that is running. */
export interface RunningDump {
  /** Settles when mariadb-dump has ended. */
  readonly ended: Promise<Ended>;
  /** Whether mariadb-dump opened its snapshot within the time; false also when it ended before it wrote anything. */
  snapshotOpened(withinMs: number): Promise<boolean>;
}

/** What is dumped, and where to. */
export interface DumpRequest {
  readonly optionFile: string;
  readonly databases: readonly string[];
  /** Further options, by the kind of server. */
  readonly options: readonly string[];
  readonly file: string;
}

/** Starts mariadb-dump into a file. */
export const startDump = async (
  context: RunContext,
  { optionFile, databases, options, file }: DumpRequest,
): Promise<RunningDump> => {
  const handle = await open(file, 'wx', 0o640);
  const args = dumpArguments(databases, options);
  const ended = mariadbDump(context, { optionFile, args, stdout: { fd: handle.fd } }).finally(() => handle.close());
  const over = new AbortController();
  ended.then(
    () => over.abort(),
    () => over.abort(),
  );
  return {
    ended,
    async snapshotOpened(withinMs) {
      const giveUp = performance.now() + withinMs;
      while (!over.signal.aborted && performance.now() < giveUp) {
        if (await namesDatabase(file)) return true;
        await sleep(pollMs, undefined, { signal: over.signal }).catch(() => undefined);
      }
      return namesDatabase(file);
    },
  };
};

// mariadb-dump writes a header, opens its snapshot, then begins with the first database.
const firstMark = '\n-- Current Database: ';
const headerSize = 16 * 1024;

const namesDatabase = async (path: string): Promise<boolean> => {
  const { size } = await stat(path);
  if (size === 0) return false;
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(size, headerSize)));
    return buffer.subarray(0, bytesRead).includes(firstMark);
  } finally {
    await handle.close();
  }
};

// 2006, 2013: connection lost; 1927: killed; 1053, 1077: shutdown.
const cutOff = /\((2006|2013|1927|1053|1077)\)|server has gone away|Lost connection|Connection was killed/i;
const unreachable = /\((2002|2003|2005)\)|Can't connect/i;
const denied = /\((1045|1698|1130)\)|Access denied for user/i;
const privilege = /denied to user|insufficient privileges|\((1142|1143|1227|1370)\)/i;
const full = /errno 28|errno: 28|No space left on device|Disk quota exceeded/i;
// 2026: TLS was wanted and did not come about.
const untrusted = /error: 2026\b|\(2026\)/i;
const complaint = /insufficient privileges|Couldn't execute|Got error|Error \d+|^mariadb-dump: Error/im;

/** Judges how mariadb-dump ended. @throws RunError for anything but a clean end. The end mark is judged by the file. */
export const judgeDump = (ended: Ended): void => {
  const words = lastWords(program, ended);
  const { exitCode, killedBy, stderr } = ended;
  if (exitCode === 0 && !complaint.test(stderr)) return;
  if (full.test(stderr)) throw new RunError('OutOfScratchSpace', words);
  if (killedBy !== undefined || cutOff.test(stderr)) throw new RunError('DumpTruncated', words);
  if (untrusted.test(stderr)) throw new RunError('SourceNotTrusted', words);
  if (unreachable.test(stderr)) throw new RunError('SourceUnreachable', words);
  if (denied.test(stderr)) throw new RunError('AccessDenied', words);
  if (privilege.test(stderr)) throw new RunError('PrivilegeMissing', words);
  throw new RunError('DumpFailed', words);
};
