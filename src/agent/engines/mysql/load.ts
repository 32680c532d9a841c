import { open, type FileHandle } from 'node:fs/promises';
import { RunError } from '../../../errors/run-error.ts';
import type { Command, Output } from '../../exec.ts';
import type { RunContext } from '../../run.ts';
import { plainText } from '../../text.ts';
import { isComplete } from './scan-dump.ts';

const program = 'mariadb';

/** Where the client signs in. */
export interface LoadTarget {
  readonly optionFile: string;
  readonly protocol: 'SOCKET' | 'TCP';
}

export interface LoadRequest {
  readonly target: LoadTarget;
  readonly file: string;
  /** Further settings of the session: `innodb_strict_mode = 0`. */
  readonly session?: readonly string[];
  /** Errors of the server, by number, that one statement may have while the others go on. None when left out. */
  readonly tolerated?: ReadonlySet<number>;
  /** The failure that an end other than a good one stands for; `loadFailure` when left out. */
  readonly failure?: (ended: ClientEnd) => RunError;
}

/**
 * Settings that let in everything that a source may hold: rows against their CHECK, rows too wide for the strict mode of today. Times are
 * those of the dump whatever the server's default. With the clock at 1970 no event is over, so none is dropped or disabled when it is made.
 */
export const dumpSession = [
  'innodb_strict_mode = 0',
  'timestamp = 1 /*M! , check_constraint_checks = 0 */ /*M!100804 , explicit_defaults_for_timestamp = 1 */',
] as const;

/**
 * Loads a file that mariadb-dump wrote, by the client, from standard input. The client must end well, and have read the file to its end.
 * @throws RunError BackupNotLoadable; SandboxTooSmall and SandboxUnavailable for what the server is to blame for
 */
export const loadFile = async (context: RunContext, request: LoadRequest): Promise<void> => {
  const handle = await open(request.file, 'r');
  try {
    await checkEnd(handle);
    await runClient(context, { ...request, stdin: { fd: handle.fd } });
    // The client reads by the same descriptor: it stands where the client stopped.
    const { bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, null);
    if (bytesRead > 0) throw notLoadable('the client ended well, but did not read the dump to its end');
  } finally {
    await handle.close();
  }
};

const notLoadable = (why: string): RunError => new RunError('BackupNotLoadable', `The backup does not load: ${why}.`);

const tailSize = 64 * 1024;

const checkEnd = async (handle: FileHandle): Promise<void> => {
  const { size } = await handle.stat();
  const from = Math.max(0, size - tailSize);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
  const lastLine = buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').at(-1) ?? '';
  if (!isComplete({ lastLine })) throw notLoadable('its dump is cut off: the last line is not the end mark');
};

/** What is fed to the client. */
export interface ClientRequest extends Omit<LoadRequest, 'file'> {
  readonly stdin: NonNullable<Command['stdin']>;
  readonly stdout?: Output;
}

/** How a client ended, with the first of its words that count. */
export interface ClientEnd {
  readonly exitCode: number | undefined;
  readonly killedBy: string | undefined;
  readonly words: string;
}

/** Runs the client on what it is fed. @throws RunError for anything but a good end */
export const runClient = async (
  context: RunContext,
  { target, session = [], tolerated, stdin, stdout, failure = loadFailure }: ClientRequest,
): Promise<void> => {
  const errors: string[] = [];
  const { exitCode, killedBy } = await context.run({
    file: program,
    args: [
      `--defaults-file=${target.optionFile}`,
      `--protocol=${target.protocol}`,
      '--batch',
      // Without it comments vanish from routines, and triggers that hold one do not load.
      '--comments',
      '--binary-mode',
      '--skip-print-query-on-error',
      '--max-allowed-packet=1G',
      '--default-character-set=utf8mb4',
      '--skip-reconnect',
      ...(tolerated === undefined ? [] : ['--force']),
      ...(session.length === 0 ? [] : [`--init-command=SET SESSION ${session.join(', ')}`]),
    ],
    stdin,
    ...(stdout !== undefined && { stdout }),
    // Its own words may hold data of the rows, or hashes of passwords, and go on over several lines.
    stderr: { line: (line) => own.test(line) && errors.length < maxErrors && errors.push(withoutValues(line)) },
  });
  const grave = errors.filter((line) => !(tolerated?.has(errorNumber(line)) ?? false));
  for (const line of errors) context.log.warn(line, { program });
  if (killedBy === undefined && grave.length === 0 && (exitCode === 0 || tolerated !== undefined)) return;
  throw failure({ exitCode, killedBy, words: grave.slice(0, 3).join(' | ') });
};

const maxErrors = 1000;
const own = /^(ERROR \d+ |mariadb: )/;

const errorNumber = (line: string): number => Number(/^ERROR (\d+) /.exec(line)?.[1] ?? '0');

/** A line of the client without the values in it: what stands near a mistake, or twice in a key. */
export const withoutValues = (line: string): string =>
  plainText(line)
    .replace(/ near '.*$/, ' near …')
    .replace(/\b(entry|value:?) '.*' (for (?:key|column)|at row)\b/i, '$1 … $2')
    .replace(/\b(entry|value:?) '.*$/i, '$1 …')
    .slice(0, 500);

// 1021, 1114, 1041, 1037, 28: no room or memory; errno 28, 122: of the system.
export const tooSmall = /^ERROR (1021|1114|3) |errno: (28|122)\b|No space left|Disk full|Disk quota/i;
// 2002, 2003: not there; 2006, 2013, 2055: gone; 1053, 1077, 1927: ended; 1037, 1041: out of memory.
export const gone =
  /^ERROR (2002|2003|2006|2013|2026|2055|1053|1077|1927|1037|1041|1045|1698) |server has gone away|Lost connection/;

/** How the client ended, in words. */
export const clientWords = ({ exitCode, killedBy, words }: ClientEnd): string => {
  const how =
    killedBy === undefined ? `${program} ended with status ${exitCode}` : `${program} was ended by ${killedBy}`;
  return words === '' ? how : `${how}: ${words}`;
};

/** What stands behind a client that failed. What the server is to blame for says nothing about the backup. */
export const loadFailure = (ended: ClientEnd): RunError => {
  const { killedBy, words } = ended;
  const detail = clientWords(ended);
  if (tooSmall.test(words)) return new RunError('SandboxTooSmall', `The scratch server has no room: ${detail}.`);
  if (killedBy !== undefined || gone.test(words)) {
    return new RunError('SandboxUnavailable', `The scratch server went away while the backup was loaded: ${detail}.`);
  }
  return notLoadable(detail);
};
