import { z } from 'zod';
import { time } from './primitives.ts';
import { verificationOutcome, verificationReport, verificationResult, verifiedSet } from './verification.ts';

/** What status remembers of verifications. */

const common = z.object({
  time: time.describe('When the run ended.'),
  jobName: z.string().max(253).describe('Its Job.'),
});

const reason = z.string().max(64).describe('The cause, from the catalogue of failures.');
const message = z.string().max(1024).describe('What happened and what to do next.');

/** The newest verification that proved a backup. */
export const lastVerified = common.extend({
  ...verificationReport.omit({ outcome: true, seconds: true }).shape,
  set: verifiedSet.describe(
    'The very set that was restored and compared, and its chain. Nothing newer is proven by it.',
  ),
  older: verifiedSet.describe('An older set that was proven too.').optional(),
  restoreSeconds: z
    .int()
    .min(0)
    .describe('How long fetching, loading and comparing took together, in seconds; missing when a part is not known.')
    .optional(),
});
export type LastVerified = z.output<typeof lastVerified>;

/** The newest verification, however it ended. */
export const lastVerification = common.extend({
  outcome: verificationOutcome.describe(
    'CouldNotVerify is not Verified: nothing was found wrong, and nothing is proven.',
  ),
  reason: reason.optional(),
  message: message.optional(),
  report: verificationResult
    .describe('What it found, as far as it came. Missing of one that is Verified: lastVerified has it.')
    .optional(),
});
export type LastVerification = z.output<typeof lastVerification>;

/** The newest verification that found something wrong. It stays: only a later verification can say otherwise. */
export const lastFailedVerification = common.extend({
  reason,
  message,
  sets: z
    .array(verifiedSet)
    .max(2)
    .meta({ 'x-kubernetes-list-type': 'atomic' })
    .describe('The sets that failed; empty when it did not say which. No point of their chains counts as a backup.'),
});
export type LastFailedVerification = z.output<typeof lastFailedVerification>;
