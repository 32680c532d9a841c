import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { RunError } from '../../../../errors/run-error.ts';
import type { RunContext } from '../../../run.ts';
import { clientWords, gone, runClient, tooSmall, type ClientEnd } from '../load.ts';

/** What the account that restores is not allowed to do. */
const denied = /^ERROR (1044|1142|1143|1227|1370|1419|1698) /;

/** What stands behind a client that failed at a destination. */
export const destinationFailure = (ended: ClientEnd): RunError => {
  const detail = clientWords(ended);
  if (tooSmall.test(ended.words)) {
    return new RunError('DestinationUnsupported', `The server has no room for what is restored: ${detail}.`);
  }
  if (ended.killedBy !== undefined || gone.test(ended.words)) {
    return new RunError('SourceUnreachable', `The server went away while the backup was loaded: ${detail}.`);
  }
  if (denied.test(ended.words)) {
    return new RunError('PrivilegeMissing', `The account that restores may not load all of the backup: ${detail}.`);
  }
  return new RunError('BackupNotLoadable', `The backup does not load: ${detail}.`);
};

export interface Feed {
  readonly optionFile: string;
  readonly session: readonly string[];
}

/**
 * Feeds statements to the client. It must end well, and have run them to the last: that is asked of the server by a statement of our own behind them.
 * @throws RunError; or what `statements` throws
 */
export const feed = async (
  context: RunContext,
  statements: AsyncIterable<Buffer>,
  { optionFile, session }: Feed,
): Promise<void> => {
  const end = randomUUID();
  let lastLine = '';
  let broken: { readonly error: unknown } | undefined;
  const all = async function* (): AsyncGenerator<Buffer> {
    try {
      yield* statements;
      yield Buffer.from(`\nSELECT '${end}';\n`);
    } catch (error) {
      // Else the client would take it for the end of what there is.
      broken = { error };
      throw error;
    }
  };
  try {
    await runClient(context, {
      target: { optionFile, protocol: 'TCP' },
      session,
      stdin: { stream: Readable.from(all(), { objectMode: false, highWaterMark: 1 << 20 }) },
      stdout: { line: (line) => (lastLine = line) },
      failure: destinationFailure,
    });
  } catch (error) {
    context.signal.throwIfAborted();
    throw broken?.error ?? error;
  }
  if (broken !== undefined) throw broken.error;
  if (lastLine !== end) {
    throw new RunError(
      'BackupNotLoadable',
      'The backup does not load: the client ended well, but did not run it to its end.',
    );
  }
};
