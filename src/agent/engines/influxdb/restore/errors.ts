import type { FailureReason } from '../../../../errors/catalogue.ts';
import { RunError } from '../../../../errors/run-error.ts';
import { runErrorOf } from '../../../failure-of.ts';
import { StatementError } from '../server.ts';

/**
 * What the code that loads says of a scratch server, said of the destination; and a statement that the server refused.
 * @param refused the reason for the latter
 */
export const ofDestination = (error: unknown, refused: FailureReason): unknown => {
  if (error instanceof StatementError)
    return new RunError(refused, `The server refused a statement: ${error.message}.`, { cause: error });
  if (!(error instanceof RunError)) return error;
  if (error.reason === 'SandboxUnavailable') return new RunError('SourceUnreachable', error.detail, { cause: error });
  if (error.reason === 'SandboxTooSmall')
    return new RunError('DestinationUnsupported', `The disk of the server is full. ${error.detail}`, { cause: error });
  return error;
};

export const atDestination = async <T>(refused: FailureReason, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw ofDestination(error, refused);
  }
};

/** What went wrong, in words without what to do next and without a full stop. */
export const detailOf = (error: unknown): string => runErrorOf(error).detail.replace(/\.+$/, '');
