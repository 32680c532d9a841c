import type { PolicyOutcome, RestoreRequestStatus } from '../api/v1alpha1/restorerequest.ts';
import { secondsBetween, timestamp } from '../base/times.ts';
import { isWithinRecoveryTime } from '../sla/recovery-time.ts';
import { isRecorded } from './make-plan.ts';
import type { Standing } from './standing.ts';
import { nothingWanted, type JudgeInput, type Stage } from './stage.ts';

/** How a request ends whose restore was begun, out of how each of its policies' parts has. */

const longestMessage = 1024;

type Ending = Pick<RestoreRequestStatus, 'phase' | 'message' | 'failure' | 'recoveryTimeMet'>;

const stateWords = {
  Untouched: 'what was there is as it was',
  Replaced: 'the restored data is in its place',
  PutBack: 'what was there before was put back, whole',
  Unavailable: 'what is there is not whole, or nobody knows: do not start what uses it',
} as const;

type KnownFailure = RestoreRequestStatus['failure'];

/**
 * Why the first part that failed did. It is in status as soon as it is seen: a part that has ended is not judged again, and others may go on,
 * or workloads be down, for long after. Pure.
 */
export const firstFailure = (standings: readonly Standing[], known: KnownFailure): KnownFailure => {
  if (known !== undefined) return known;
  const [first] = standings.flatMap(({ part, failure }) => (failure === undefined ? [] : [{ part, failure }]));
  return first && { policy: first.part.name, ...first.failure };
};

const failed = (worst: Standing, standings: readonly Standing[], known: KnownFailure): Ending => {
  const failure = firstFailure(standings, known);
  const { part, outcome } =
    standings.find((each) => each.is === 'Failed' && each.part.name === failure?.policy) ?? worst;
  const how = failure === undefined ? '.' : ` at step ${failure.step ?? ''}: ${failure.message}`;
  const state = outcome.state === undefined ? '' : ` Of ${part.name}, ${stateWords[outcome.state]}.`;
  const rest = standings.filter(({ is }) => is === 'Completed').map((each) => each.part.name);
  const others = rest.length === 0 ? '' : ` Restored all the same: ${rest.join(', ')}.`;
  const message = `${part.name} failed${how}${state}${others}`.slice(0, longestMessage);
  const step = failure?.step;
  return {
    phase: 'Failed',
    message,
    failure: {
      policy: part.name,
      ...(step !== undefined && { step }),
      reason: failure?.reason ?? 'InternalError',
      message,
    },
  };
};

const cancelled = (standings: readonly Standing[]): Ending => {
  const states = standings.map(({ part, outcome }) => `of ${part.name}, ${stateWords[outcome.state ?? 'Untouched']}`);
  const message = `The request was cancelled; ${states.join('; ')}.`.slice(0, longestMessage);
  return { phase: 'Cancelled', message, failure: { reason: 'RestoreCancelled', message } };
};

const proofWords = (
  { policy, proof, objectsCompared, rowsCompared = 0 }: PolicyOutcome,
  status: RestoreRequestStatus,
): string => {
  const loaded = `${objectsCompared ?? 0} objects, ${rowsCompared} rows`;
  if (!isRecorded(status, policy)) {
    const seen = objectsCompared === undefined ? 'its files' : `${loaded} equal to the facts in the set itself`;
    return `${policy} (${seen}; no ledger records the set, so nothing proves that it is what was backed up)`;
  }
  if (proof === 'Equal') return `${policy} (${loaded} equal to the facts)`;
  if (proof === 'EqualToCopy') return `${policy} (${loaded} equal to the safety copy; no backup witnesses that)`;
  if (proof === 'FilesWhole') return `${policy} (its files are those that were stored; nothing has loaded them)`;
  return `${policy} (${loaded} loaded; that all of the backup is there is not proven)`;
};

/** Of a restore that loaded and compared all: files on a claim are not yet the service. */
const recoveryTimeMet = (standings: readonly Standing[], seconds: number): boolean | undefined => {
  if (!standings.every(({ outcome }) => outcome.proof === 'Equal')) return undefined;
  const promised = standings.flatMap(({ part }) => part.policy?.spec?.objectives?.recoveryTimeObjective ?? []);
  return promised.length === 0 ? undefined : promised.every((each) => isWithinRecoveryTime({ seconds }, each));
};

const completed = (standings: readonly Standing[], seconds: number, status: RestoreRequestStatus): Ending => {
  const isMet = recoveryTimeMet(standings, seconds);
  const rto = isMet === undefined ? '' : isMet ? ', within the RTO' : ', longer than the RTO that was promised';
  const what = standings.map(({ outcome }) => proofWords(outcome, status)).join(', ');
  return {
    phase: 'Completed',
    message: `Restored: ${what}. It took ${seconds} s${rto}.`.slice(0, longestMessage),
    ...(isMet !== undefined && { recoveryTimeMet: isMet }),
  };
};

/** The end of a request all of whose parts have ended. The worst of them counts. Pure. */
export const endOf = (
  { observed, now }: JudgeInput,
  standings: readonly Standing[],
  common: Stage['status'],
): Stage => {
  const completionTime = timestamp(now);
  const measuredSeconds = secondsBetween(new Date(common.startTime ?? completionTime), now);
  const worst = standings.find(({ is }) => is === 'Failed');
  const ending =
    worst !== undefined
      ? failed(worst, standings, observed.request.status.failure)
      : standings.some(({ is }) => is === 'Cancelled')
        ? cancelled(standings)
        : completed(standings, measuredSeconds, common);
  return { status: { ...common, completionTime, measuredSeconds, ...ending }, wanted: nothingWanted };
};
