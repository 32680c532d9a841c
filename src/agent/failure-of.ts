import type { Failure } from '../api/v1alpha1/result.ts';
import { RunError } from '../errors/run-error.ts';
import { errorCode, isOutOfSpace } from './disk.ts';
import { plainText, shorten } from './text.ts';

/** The schema's limit on the message of a failure. */
const maxMessage = 640;

/** An error with the step that it happened in. */
export class StepFailure extends Error {
  readonly step: Failure['step'];

  constructor(step: Failure['step'], cause: unknown) {
    super(`${step} failed`, { cause });
    this.step = step;
  }
}

/** The catalogued error behind whatever was thrown. Errors of the disk are told by their code; the rest is InternalError. */
export const runErrorOf = (thrown: unknown): RunError => {
  if (thrown instanceof StepFailure) return runErrorOf(thrown.cause);
  if (thrown instanceof RunError) return thrown;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (isOutOfSpace(thrown)) return new RunError('OutOfScratchSpace', `No space is left: ${text}.`, { cause: thrown });
  if (['EACCES', 'EPERM', 'EROFS', 'EIO', 'ESTALE'].includes(errorCode(thrown) ?? '')) {
    return new RunError('ClaimUnusable', `A file operation was refused: ${text}.`, { cause: thrown });
  }
  return new RunError('InternalError', `${text}.`, { cause: thrown });
};

/** The failure that a result reports. `redact` masks the secrets of the run. */
export const failureOf = (thrown: unknown, currentStep: Failure['step'], redact: (text: string) => string): Failure => {
  const { reason, message } = runErrorOf(thrown);
  return {
    step: thrown instanceof StepFailure ? thrown.step : currentStep,
    reason,
    message: shorten(plainText(redact(message)), maxMessage),
  };
};
