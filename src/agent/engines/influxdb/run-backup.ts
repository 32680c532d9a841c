import { RunError } from '../../../errors/run-error.ts';
import { emptyDirectory } from '../../disk.ts';
import { exec, lastWords } from '../../exec.ts';
import type { RunContext } from '../../run.ts';
import { tryAgain } from './try-again.ts';

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

/** The server let go of the connection without a byte of a shard. */
const nothingSent = /copy backup to file: err=<nil>, n=0\b/;

const isHeldBack = (error: unknown): boolean =>
  error instanceof RunError && error.reason === 'DumpTruncated' && nothingSent.test(error.detail);

/**
 * Before a backup that lacks a shard is begun anew. A shard that was idle, lost points (DELETE, DROP) and was then written to has its cache
 * closed to snapshots, and so to a backup, until the server looks after its shards: every 10 s (1.6.7: tsdb/store.go, monitorShards; its log says
 * "snapshots disabled").
 */
const waitsMs = [500, 2000, 10_000];

/**
 * Runs `influxd backup` into a directory. One to which the server sends nothing of a shard is begun anew a few times, from nothing. That it ended
 * well proves little: see portable.ts.
 * @throws RunError for anything but a clean end
 */
export const runBackup = (context: RunContext, options: BackupOptions): Promise<void> =>
  tryAgain(
    context,
    { waitsMs, words: 'the server sent nothing of a shard: the backup is begun anew', isPassing: isHeldBack },
    async () => {
      await emptyDirectory(options.directory);
      await runOnce(context, options);
    },
  );

/** Runs it once, and stops it when it begins to try again. */
const runOnce = async (
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
