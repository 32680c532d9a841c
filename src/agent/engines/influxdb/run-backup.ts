import { RunError } from '../../../errors/run-error.ts';
import { exec, lastWords } from '../../exec.ts';
import type { RunContext } from '../../run.ts';

const program = 'influxd';

export interface BackupOptions {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** An empty directory. */
  readonly directory: string;
}

/** Each new try adds to what the try before has left in the file: nothing good comes of it, and ten of them take minutes. */
const retry = /failed .*retrying/i;

const full = /no space left on device|disk quota exceeded/i;
const unreachable = /connection refused|no such host|i\/o timeout|no route to host|network is unreachable/i;
const cutOff = /connection reset|broken pipe|\bEOF\b|copy backup to file/i;

const failureOf = (words: string): RunError => {
  if (full.test(words)) return new RunError('OutOfScratchSpace', words);
  if (unreachable.test(words)) return new RunError('SourceUnreachable', words);
  return new RunError(cutOff.test(words) ? 'DumpTruncated' : 'DumpFailed', words);
};

/**
 * Runs `influxd backup` into a directory, and stops it when it begins to try again. That it ended well proves little: see portable.ts.
 * @throws RunError for anything but a clean end
 */
export const runBackup = async (
  { task, signal, log }: RunContext,
  { host, port, database, directory }: BackupOptions,
): Promise<void> => {
  const gaveUp = new AbortController();
  const ended = await exec(
    { signal: AbortSignal.any([signal, gaveUp.signal]), log, home: task.scratch },
    {
      file: program,
      args: ['backup', '-portable', '-host', `${host}:${port}`, '-database', database, directory],
      stderr: {
        line(line) {
          log.info(line, { program, stream: 'stderr' });
          if (retry.test(line)) gaveUp.abort(failureOf(`${program} met an error and would have tried again: ${line}.`));
        },
      },
    },
  );
  const words = lastWords(program, ended);
  if (ended.killedBy !== undefined) throw new RunError('DumpTruncated', words);
  if (ended.exitCode !== 0) throw failureOf(words);
};
