import { catalogue } from '../errors/catalogue.ts';
import { document, table } from './markdown.ts';

/** What can go wrong in a run and what to do next, in Markdown. */
export const failuresDocument = (): string =>
  document('What can go wrong, and what to do next', [
    'Every failure of a run has one of these reasons. It stands in `status.lastFailure.reason`, in the condition `LastBackupSucceeded`, in the Event and in the log; the message beside it says what happened in that very run.',
    table(
      ['Reason', 'What it means', 'What to do next'],
      Object.entries(catalogue).map(([reason, { cause, next }]) => [`\`${reason}\``, cause, next]),
    ),
  ]);
