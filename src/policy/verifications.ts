import type { BackupPolicyStatus } from '../api/v1alpha1/backuppolicy.ts';
import type { SetPoint } from '../api/v1alpha1/recovery-points.ts';
import type { Failure } from '../api/v1alpha1/result.ts';
import type { LastFailedVerification, LastVerification, LastVerified } from '../api/v1alpha1/verification-status.ts';
import {
  checkNames,
  type VerificationReport,
  type VerificationResult,
  type VerifiedSet,
} from '../api/v1alpha1/verification.ts';
import type { DeepReadonly } from '../base/types.ts';
import { catalogue } from '../errors/catalogue.ts';
import { isGuess } from './guesses.ts';
import type { RunReport } from './run-report.ts';

type Remembered = DeepReadonly<
  Pick<BackupPolicyStatus, 'lastVerification' | 'lastVerified' | 'lastVerifiedTime' | 'lastFailedVerification'>
>;

const reportsOf = ({ latest, older }: VerificationResult): VerificationReport[] =>
  older === undefined ? [latest] : [latest, older];

/** A set counts as proven only when nothing of what is said of it speaks against it. */
const isProven = ({ outcome, set, checks, mismatches }: VerificationReport): boolean =>
  outcome === 'Verified' &&
  set !== undefined &&
  checkNames.every((name) => checks[name].outcome === 'Passed') &&
  (mismatches?.count ?? 0) === 0;

const isDamaged = ({ outcome, checks, mismatches }: VerificationReport): boolean =>
  outcome === 'Failed' || checkNames.some((name) => checks[name].outcome === 'Failed') || (mismatches?.count ?? 0) > 0;

/** Whether all that was looked at is proven. */
export const isVerified = (verification: VerificationResult | undefined): boolean =>
  verification !== undefined && reportsOf(verification).every(isProven);

/** Of what several containers of a run say, what found something wrong; else the last. */
export const worstVerification = (found: readonly VerificationResult[]): VerificationResult | undefined =>
  found.find((one) => reportsOf(one).some(isDamaged)) ?? found.at(-1);

/** The sets by what the operator itself was told when they were shipped: the second witness beside the ledger on the claim. */
export const witnessesOf = (
  { lastFull, lastIncremental }: DeepReadonly<Pick<BackupPolicyStatus, 'lastFull' | 'lastIncremental'>>,
  told: DeepReadonly<{ full?: SetPoint | undefined; incremental?: SetPoint | undefined }[]>,
): DeepReadonly<SetPoint>[] =>
  [lastFull, lastIncremental, ...told.flatMap(({ full, incremental }) => [full, incremental])].filter(
    (point) => point !== undefined,
  );

const differs = (set: VerifiedSet, { setDigest, factsDigest }: DeepReadonly<SetPoint>): string | undefined => {
  if (set.setDigest !== setDigest) return 'its manifest';
  return set.factsDigest === factsDigest ? undefined : 'its facts.json';
};

/**
 * Why a verification that says Verified is none: a set was proven that is not the one that was shipped. Once that was said of a Job it
 * stays, also when the set that told is no longer the newest.
 */
export const contradictionOf = (
  { kind, jobName, outcome, verification }: RunReport,
  { lastFailedVerification }: Remembered,
  witnesses: readonly DeepReadonly<SetPoint>[],
): Failure | undefined => {
  if (kind !== 'Verify' || outcome !== 'Succeeded' || verification === undefined) return undefined;
  if (lastFailedVerification?.jobName === jobName) {
    return { step: 'Check', reason: 'BackupDamaged', message: lastFailedVerification.message.slice(0, 640) };
  }
  const sets = reportsOf(verification).flatMap(({ set }) => set ?? []);
  for (const set of sets) {
    const what = witnesses
      .filter((point) => Date.parse(point.setTime) === Date.parse(set.setTime))
      .map((point) => differs(set, point))
      .find((found) => found !== undefined);
    if (what !== undefined) {
      const message = `The set of ${set.setTime} was restored and compared, but ${what} has another SHA-256 than status recorded when the set was shipped: what was proven is not what was stored. ${catalogue.BackupDamaged.next}`;
      return { step: 'Check', reason: 'BackupDamaged', message };
    }
  }
  return undefined;
};

const verdictOf = ({ time, jobName, outcome, failure, verification }: RunReport): LastVerification => {
  const damaged =
    failure?.reason === 'BackupDamaged' || (verification !== undefined && reportsOf(verification).some(isDamaged));
  const report = verification === undefined ? {} : { report: verification };
  const base = { time, jobName, ...report };
  if (outcome === 'Succeeded' && !damaged) return { ...base, outcome: 'Verified' };
  const words = failure ?? { reason: 'ResultMissing' as const, message: catalogue.ResultMissing.next };
  return { ...base, outcome: damaged ? 'Failed' : 'CouldNotVerify', reason: words.reason, message: words.message };
};

const verifiedOf = ({ time, jobName, report }: LastVerification): LastVerified | undefined => {
  if (report?.latest.set === undefined) return undefined;
  const { outcome: _outcome, seconds, set, ...latest } = report.latest;
  const { fetch, load, compare } = seconds ?? {};
  const older = report.older?.set;
  return {
    time,
    jobName,
    ...latest,
    set,
    ...(older !== undefined && { older }),
    ...(fetch !== undefined && load !== undefined && compare !== undefined
      ? { restoreSeconds: Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(fetch + load + compare)) }
      : {}),
  };
};

/** The sets that failed; where only the digests speak against a run, all that it looked at. */
const failedOf = ({
  time,
  jobName,
  reason = 'BackupDamaged',
  message = '',
  report,
}: LastVerification): LastFailedVerification => {
  const looked = report === undefined ? [] : reportsOf(report);
  const damaged = looked.filter(isDamaged);
  const sets = (damaged.length > 0 ? damaged : looked).flatMap(({ set }) => set ?? []);
  return { time, jobName, reason, message, sets };
};

const at = (time: string): number => Date.parse(time);
const harm = { Verified: 0, CouldNotVerify: 1, Failed: 2 } as const;
/** Of one run: a word of its own weighs more than a guess, and what was found wrong more than all. */
const sureness = ({ outcome, reason }: DeepReadonly<LastVerification>): number =>
  outcome === 'CouldNotVerify' ? Number(!isGuess(reason)) : outcome === 'Verified' ? 2 : 3;

/** Whether a verdict is news: of a later run, or a surer word of the same. Of two runs in one second the worse counts. */
const isNews = (verdict: LastVerification, known: DeepReadonly<LastVerification> | undefined): boolean => {
  if (known === undefined) return true;
  const distance = at(verdict.time) - at(known.time);
  if (verdict.jobName === known.jobName) return distance >= 0 && sureness(verdict) > sureness(known);
  if (distance !== 0) return distance > 0;
  return harm[verdict.outcome] > harm[known.outcome];
};

/**
 * What status remembers of verifications after looking at the runs, which come oldest first. A run is judged when it is first seen, by the sets
 * that status knows then; an older one that comes back proves nothing any more.
 */
export const verificationHistory = (previous: Remembered, reports: readonly RunReport[]): Remembered =>
  reports
    .filter(({ kind }) => kind === 'Verify')
    .map(verdictOf)
    .reduce<Remembered>(
      (known, verdict) => {
        if (!isNews(verdict, known.lastVerification)) return known;
        const verified = verdict.outcome === 'Verified' ? verifiedOf(verdict) : undefined;
        if (verified !== undefined) {
          // What was found stands in lastVerified: nobody should have to read it twice.
          const { report: _report, ...lastVerification } = verdict;
          return { ...known, lastVerification, lastVerified: verified, lastVerifiedTime: verified.time };
        }
        const next: Remembered = { ...known, lastVerification: verdict };
        return verdict.outcome === 'Failed' ? { ...next, lastFailedVerification: failedOf(verdict) } : next;
      },
      {
        ...(previous.lastVerification !== undefined && { lastVerification: previous.lastVerification }),
        ...(previous.lastVerified !== undefined && { lastVerified: previous.lastVerified }),
        ...(previous.lastVerifiedTime !== undefined && { lastVerifiedTime: previous.lastVerifiedTime }),
        ...(previous.lastFailedVerification !== undefined && {
          lastFailedVerification: previous.lastFailedVerification,
        }),
      },
    );
