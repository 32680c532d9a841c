import { parseCron } from '../cron/parse.ts';
import { timestamp } from '../base/times.ts';
import { overdueAt } from '../sla/due.ts';
import { cronLineOf } from '../workloads/lines.ts';
import type { Evidence, Statement } from './statement.ts';
import type { History } from './history.ts';
import { queriesChange, sourceChange, unlessChanged } from './named.ts';
import { hasReadableSchedule } from './objectives.ts';

const type = 'Verified';

const lastSuccess = ({ lastVerified }: History): string =>
  lastVerified === undefined
    ? ' No backup was ever restored and compared.'
    : ` The last one that was restored and found equal is the set of ${lastVerified.set.setTime} (data of ${lastVerified.set.dataTime}), at ${lastVerified.time}.`;

const log = (jobName: string): string =>
  ` Its log, while the Job is kept: kubectl logs job/${jobName} --all-containers --ignore-errors.`;

const failed = ({ history }: Evidence): Statement | undefined => {
  const { lastFailedVerification: failure, lastVerified } = history;
  if (failure === undefined) return undefined;
  if (lastVerified !== undefined && Date.parse(lastVerified.time) > Date.parse(failure.time)) return undefined;
  const sets = failure.sets.map(
    ({ type: kind, setTime, chain }) => `the ${kind.toLowerCase()} of ${setTime} in ${chain}`,
  );
  const what = sets.length === 0 ? 'what is stored' : sets.join(' and ');
  return {
    type,
    status: 'False',
    reason: failure.reason,
    message: `${failure.jobName} found at ${failure.time} that ${what} does not give back what was backed up: ${failure.message}${lastSuccess(history)} This stays until a later verification succeeds.${log(failure.jobName)}`,
  };
};

const unknown = (reason: string, message: string): Statement => ({ type, status: 'Unknown', reason, message });

const couldNot = ({ history }: Evidence): Statement | undefined => {
  const { lastVerification: last } = history;
  if (last?.outcome !== 'CouldNotVerify') return undefined;
  return unknown(
    last.reason ?? 'CouldNotVerify',
    `${last.jobName} could not verify, at ${last.time}: ${last.message ?? 'it does not say why.'} Nothing was found wrong, and nothing is proven.${lastSuccess(history)}${log(last.jobName)}`,
  );
};

const proven = ({ history }: Evidence, verified: NonNullable<History['lastVerified']>): string => {
  const { set, older, jobName, time, objectsCompared, rowsCompared } = verified;
  const counts = [
    objectsCompared === undefined ? [] : [`${objectsCompared} objects`],
    rowsCompared === undefined ? [] : [`${rowsCompared} rows`],
  ].flat();
  const compared = counts.length === 0 ? '' : ` (${counts.join(', ')})`;
  const too =
    older === undefined ? '' : ` So was the ${older.type.toLowerCase()} of ${older.setTime} in ${older.chain}.`;
  const isNewest =
    history.lastBackupTime === undefined || Date.parse(history.lastBackupTime) <= Date.parse(set.dataTime);
  const only = isNewest ? '' : ' What was backed up since is not proven by that.';
  return `The ${set.type.toLowerCase()} of ${set.setTime} in ${set.chain}, with the data of ${set.dataTime}, was restored by ${jobName} at ${time} and found equal${compared}.${too}${only}`;
};

/**
 * Whether a backup was restored and found equal, lately enough. What a verification found wrong stays until a later one succeeds; one that could
 * not be carried out makes it Unknown, as does one that is older than two times of the schedule. Pure.
 */
export const verifiedCondition = (evidence: Evidence): Statement => {
  const { spec, history, zones, now } = evidence;
  const bad = failed(evidence);
  if (bad !== undefined) return bad;
  if (spec === undefined) return unknown('SpecUnreadable', `The spec cannot be read.${lastSuccess(history)}`);
  if (spec.schedule.verify === undefined) {
    return unknown(
      'NotScheduled',
      `Backups are not verified: set spec.schedule.verify, and each is restored for real and compared.${lastSuccess(history)}`,
    );
  }
  const unsure = couldNot(evidence);
  if (unsure !== undefined) return unsure;
  const { lastVerified } = history;
  if (lastVerified === undefined) {
    return unknown(
      'NeverVerified',
      'No backup was restored and compared yet; the first verification is still to come.',
    );
  }
  if (!hasReadableSchedule(evidence)) {
    return unknown('ScheduleInvalid', `The schedule cannot be read: see the condition Stalled.${lastSuccess(history)}`);
  }
  const line = cronLineOf({ metadata: evidence.metadata, spec }, 'Verify') ?? '';
  const zone = zones(spec.schedule.timeZone);
  const overdue = overdueAt(parseCron(line), zone, new Date(lastVerified.time));
  if (overdue !== undefined && now.getTime() >= overdue.getTime()) {
    return unknown(
      'Overdue',
      `No verification ended well since ${lastVerified.time}, though two were due by ${timestamp(overdue)}.${lastSuccess(history)} See RunsOnTime.`,
    );
  }
  const restored: Statement = {
    type,
    status: 'True',
    reason: 'Restored',
    message: proven(evidence, lastVerified),
    wakeAt: overdue,
  };
  const change = sourceChange(evidence, lastVerified.set.source) ?? queriesChange(evidence, lastVerified.queries);
  return unlessChanged(restored, change);
};
