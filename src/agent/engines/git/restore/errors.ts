import type { FailureReason } from '../../../../errors/catalogue.ts';
import { RunError } from '../../../../errors/run-error.ts';
import { runErrorOf } from '../../../failure-of.ts';

/** What the code that dumps or verifies says, where a restore has other words for it. */
const reasons: Partial<Record<FailureReason, FailureReason>> = {
  SandboxTooSmall: 'OutOfScratchSpace',
  SandboxUnavailable: 'Interrupted',
  DumpTruncated: 'SourceUnreachable',
};

export const inRestore = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof RunError ? reasons[error.reason] : undefined;
    if (!(error instanceof RunError) || reason === undefined) throw error;
    throw new RunError(reason, error.detail, { cause: error });
  }
};

/** What went wrong, in words without what to do next and without a full stop. */
export const detailOf = (error: unknown): string => runErrorOf(error).detail.replace(/\.+$/, '');
