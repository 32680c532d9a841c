import { RunError } from '../../../errors/run-error.ts';
import { exec, lastWords } from '../../exec.ts';
import type { RunContext } from '../../run.ts';

const program = 'influxd';

export interface RestoreOptions {
  readonly host: string;
  readonly port: number;
  /** The database as the backup names it. */
  readonly database: string;
  /** Its new name, when it is loaded under another. */
  readonly newName?: string | undefined;
  /** Where the backup lies. */
  readonly directory: string;
}

/** The tool would try again, for minutes, what failed once. */
const retry = /retrying/i;

/** A database without shards is made, and called a failure all the same. */
const unchanged = /DB metadata not changed/;

const full = /no space left on device|disk quota exceeded/i;
const unreachable =
  /connection (refused|reset)|no such host|i\/o timeout|no route to host|network is unreachable|broken pipe|\bEOF\b/i;

const failureOf = (words: string): RunError => {
  if (full.test(words)) return new RunError('SandboxTooSmall', words);
  return new RunError(unreachable.test(words) ? 'SandboxUnavailable' : 'BackupNotLoadable', words);
};

/**
 * Runs `influxd restore` from a directory, and stops it when it begins to try again. That it ended well proves little: it sends each shard
 * and does not wait for what the server says to it. `made`: whether it says that it made the database with its shards.
 * @throws RunError BackupNotLoadable, SandboxUnavailable, SandboxTooSmall
 */
export const runRestore = async (
  { task, signal, log }: Pick<RunContext, 'task' | 'signal' | 'log'>,
  { host, port, database, newName, directory }: RestoreOptions,
): Promise<{ readonly made: boolean }> => {
  const gaveUp = new AbortController();
  const ended = await exec(
    { signal: AbortSignal.any([signal, gaveUp.signal]), log, home: task.scratch },
    {
      file: program,
      args: [
        'restore',
        '-portable',
        '-host',
        `${host}:${port}`,
        '-database',
        database,
        ...(newName === undefined ? [] : ['-newdb', newName]),
        directory,
      ],
      stderr: {
        line(line) {
          log.info(line, { program, stream: 'stderr' });
          if (retry.test(line)) gaveUp.abort(failureOf(`${program} met an error and would have tried again: ${line}.`));
        },
      },
    },
  );
  const words = lastWords(program, ended);
  if (ended.killedBy !== undefined) throw new RunError('SandboxUnavailable', words);
  if (ended.exitCode === 0) return { made: true };
  if (unchanged.test(ended.stderr)) return { made: false };
  throw failureOf(words);
};
