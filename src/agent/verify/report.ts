import type { Failure } from '../../api/v1alpha1/result.ts';
import {
  maxNamedMismatches,
  type Check,
  type CheckName,
  type VerificationOutcome,
  type VerificationReport,
  type VerifiedSet,
} from '../../api/v1alpha1/verification.ts';
import type { FailureReason } from '../../errors/catalogue.ts';
import { RunError } from '../../errors/run-error.ts';
import { runErrorOf } from '../failure-of.ts';
import { plainText, shorten } from '../text.ts';

const maxEvidence = 160;
const maxNamed = 80;

/** The failures that say something of the backup itself. With any other nothing was found wrong, and nothing is proven. */
const verdicts: readonly FailureReason[] = [
  'BackupDamaged',
  'KeyDoesNotOpen',
  'BackupNotLoadable',
  'ContentDiffers',
  'QueryFailed',
];

/** The failures that are the chain's own: it is not continued, and what is in it does not count as restorable. */
const damages: readonly FailureReason[] = ['BackupDamaged', 'BackupNotLoadable', 'ContentDiffers'];

/** What a verification that failed for this reason has shown. */
export const outcomeOf = (reason: FailureReason): Exclude<VerificationOutcome, 'Verified'> =>
  verdicts.includes(reason) ? 'Failed' : 'CouldNotVerify';

/** Whether a failure is remembered of the chain. */
export const isDamage = (reason: FailureReason): boolean => damages.includes(reason);

/** A check that failed, with what was seen. Its message is the run's. */
export class CheckFailed extends RunError {
  readonly check: CheckName;
  readonly evidence: string;

  constructor(
    check: CheckName,
    reason: FailureReason,
    evidence: string,
    { where, ...options }: ErrorOptions & { readonly where?: string } = {},
  ) {
    super(reason, `${where === undefined ? '' : `${where}: `}${evidence.replace(/\.$/, '')}.`, options);
    this.check = check;
    this.evidence = evidence;
  }

  /** The same, saying of which set it is. */
  of(where: string): CheckFailed {
    return new CheckFailed(this.check, this.reason, this.evidence, { where, cause: this.cause });
  }
}

/** What is found of one set, step by step. Whatever is not in it yet was not seen. */
export interface Finding {
  set?: VerifiedSet;
  readonly checks: Partial<Record<CheckName, Check>>;
  sourceBytes?: number;
  readonly seconds: { fetch?: number; load?: number; compare?: number };
  objectsCompared?: number;
  rowsCompared?: number;
  mismatches?: readonly string[];
  /** Digest of the policy's own checks, once all gave what was expected. */
  queries?: string;
  server?: string;
  /** Set once everything was compared and is equal, or something was found. */
  outcome?: VerificationOutcome;
  /** Why it is not verified. */
  reason?: FailureReason;
}

export const newFinding = (set?: VerifiedSet): Finding => ({ ...(set && { set }), checks: {}, seconds: {} });

/** Remembers that a check passed, and by what. */
export const passed = ({ checks }: Finding, name: CheckName, evidence: string): void => {
  checks[name] = { outcome: 'Passed', evidence };
};

/** Remembers why a set is not verified. What was not seen before that stays unknown. */
export const endFinding = (finding: Finding, thrown: unknown): void => {
  const error = checkFailedIn(thrown);
  const { reason } = error ?? runErrorOf(thrown);
  finding.outcome = outcomeOf(reason);
  finding.reason = reason;
  if (error !== undefined) finding.checks[error.check] = { outcome: 'Failed', evidence: error.evidence };
};

const checkFailedIn = (thrown: unknown): CheckFailed | undefined => {
  if (thrown instanceof CheckFailed) return thrown;
  return thrown instanceof Error && thrown.cause !== undefined && !(thrown instanceof RunError)
    ? checkFailedIn(thrown.cause)
    : undefined;
};

const unknown = (why: string): Check => ({
  outcome: 'Unknown',
  evidence: `Not looked at, since the run ended before: ${why}.`,
});

/**
 * What a result says of one set. A set that nothing was said of when the run failed could not be verified, for the reason that the run
 * failed for.
 */
export const reportOf = (
  finding: Finding,
  redact: (text: string) => string,
  failure?: Pick<Failure, 'reason'>,
): VerificationReport => {
  const { set, checks, sourceBytes, seconds, objectsCompared, rowsCompared, mismatches, queries, server } = finding;
  const words = (text: string, max: number): string => shorten(plainText(redact(text)), max);
  const why = finding.reason ?? failure?.reason ?? 'InternalError';
  const check = (name: CheckName): Check => {
    const seen = checks[name] ?? unknown(why);
    return { ...seen, evidence: words(seen.evidence, maxEvidence) };
  };
  const all = {
    created: check('created'),
    readable: check('readable'),
    complete: check('complete'),
    restorable: check('restorable'),
  };
  return {
    outcome: outcomeIn(finding, Object.values(all)),
    ...(set && { set }),
    checks: all,
    ...(objectsCompared !== undefined && { objectsCompared }),
    ...(rowsCompared !== undefined && { rowsCompared }),
    ...(mismatches !== undefined && {
      mismatches: {
        count: mismatches.length,
        named: mismatches.slice(0, maxNamedMismatches).map((each) => words(each, maxNamed)),
      },
    }),
    ...(sourceBytes !== undefined && { sourceBytes }),
    ...(Object.keys(seconds).length > 0 && { seconds }),
    ...(queries !== undefined && { queries }),
    ...(server !== undefined && { server: shorten(plainText(server), 64) }),
  };
};

/** Verified needs every check to have passed, whatever was said before. */
const outcomeIn = ({ outcome }: Finding, checks: readonly Check[]): VerificationOutcome => {
  if (outcome === 'Failed') return 'Failed';
  const proven = outcome === 'Verified' && checks.every((check) => check.outcome === 'Passed');
  return proven ? 'Verified' : 'CouldNotVerify';
};
