import { catalogue, type FailureReason } from './catalogue.ts';

/** A failure that is in the catalogue. `detail` says what happened here; the message adds what to do next. */
export class RunError extends Error {
  override readonly name = 'RunError';
  readonly reason: FailureReason;
  readonly detail: string;

  constructor(reason: FailureReason, detail: string, options?: ErrorOptions) {
    super(`${detail} ${catalogue[reason].next}`, options);
    this.reason = reason;
    this.detail = detail;
  }
}
