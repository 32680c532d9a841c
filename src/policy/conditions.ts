import type { LastRun } from '../api/v1alpha1/backuppolicy.ts';
import { parseDuration } from '../api/v1alpha1/duration.ts';
import type { JobKind } from '../api/v1alpha1/recovery-points.ts';
import { failureWords } from './failure-words.ts';
import type { History } from './history.ts';
import { placeChange, runChange, unlessChanged, type Change } from './named.ts';
import { recoveryPointMet, recoveryTimeMet } from './objectives.ts';
import { retentionKept } from './retention-condition.ts';
import { runsOnTime } from './runs-on-time.ts';
import type { Evidence, Statement } from './statement.ts';
import { verifiedCondition } from './verified-condition.ts';
import { windowKept } from './window-kept.ts';

const longestMonthSeconds = 31 * 24 * 60 * 60;

// Of two runs that ended in the same second the one that did not succeed counts.
const isAfter = (run: LastRun, other: LastRun): boolean => {
  const distance = Date.parse(run.completionTime) - Date.parse(other.completionTime);
  return distance > 0 || (distance === 0 && other.outcome === 'Succeeded');
};

const newestOf = (runs: readonly LastRun[] | undefined, kinds: readonly JobKind[]): LastRun | undefined =>
  (runs ?? [])
    .filter(({ kind }) => kinds.includes(kind))
    .reduce<LastRun | undefined>((best, run) => (best === undefined || isAfter(run, best) ? run : best), undefined);

const runFailed = ({ history }: Evidence, run: LastRun): Statement => {
  const how = run.outcome === 'Unknown' ? 'ended, and how is not known' : 'failed';
  return {
    type: 'LastBackupSucceeded',
    status: run.outcome === 'Unknown' ? 'Unknown' : 'False',
    reason: run.reason ?? 'Failed',
    message: `${run.kind} ${run.jobName} ${how}${failureWords(history, run)} Its log, while the Job is kept: kubectl logs job/${run.jobName} --all-containers --ignore-errors.`,
  };
};

/** How long a backup took beside what was promised. It does not make a backup that is there less of one. */
const durationWords = ({ spec, history: { lastFull, lastIncremental } }: Evidence, jobName: string): string => {
  const promised = spec?.objectives?.backupDurationObjective;
  const set = [lastFull, lastIncremental].find((point) => point?.jobName === jobName);
  if (promised === undefined) return '';
  if (set === undefined) return ` How long it took is not known; ${promised} was promised.`;
  const { months, seconds } = parseDuration(promised);
  const isLonger = set.durationSeconds > seconds + months * longestMonthSeconds;
  return ` It took ${set.durationSeconds} s${isLonger ? `, longer than the ${promised} that was promised.` : `; ${promised} was promised.`}`;
};

/**
 * Two lanes: what goes to the repository, and what stays as a local copy. A later full makes up for a failed incremental, but a local
 * copy does not make up for a backup that did not leave the cluster.
 */
const lastBackupSucceeded = (evidence: Evidence): Statement => {
  const { lastRuns } = evidence.history;
  const type = 'LastBackupSucceeded';
  const offSite = newestOf(lastRuns, ['Full', 'Incremental']);
  if (offSite !== undefined && offSite.outcome !== 'Succeeded') return runFailed(evidence, offSite);
  const onSite = newestOf(lastRuns, ['LocalCopy']);
  if (onSite !== undefined && onSite.outcome === 'Failed') return runFailed(evidence, onSite);
  if (evidence.spec !== undefined && evidence.spec.schedule.full === undefined) {
    return {
      type,
      status: 'Unknown',
      reason: 'NothingShipped',
      message: 'Only local copies are made: nothing leaves the cluster. Set spec.schedule.full to ship backups.',
    };
  }
  if (offSite === undefined) {
    return {
      type,
      status: 'Unknown',
      reason: 'NoBackupYet',
      message: 'No backup has been shipped to the repository yet.',
    };
  }
  if (onSite !== undefined && onSite.outcome === 'Unknown') return runFailed(evidence, onSite);
  const succeeded: Statement = {
    type,
    status: 'True',
    reason: 'Succeeded',
    message: `${offSite.kind} ${offSite.jobName} was shipped, and the repository was listed again: the set is whole.${durationWords(evidence, offSite.jobName)}`,
  };
  return unlessChanged(succeeded, runChange(evidence, offSite));
};

const chainIntact = ({ history: { chain } }: Evidence): Statement => {
  const type = 'ChainIntact';
  if (chain === undefined) {
    return {
      type,
      status: 'Unknown',
      reason: 'NoChainYet',
      message: 'No full has been shipped yet, so there is no chain.',
    };
  }
  if (!chain.intact) {
    return {
      type,
      status: 'False',
      reason: 'ChainBroken',
      message: `The chain of ${chain.fullTime} is not whole: ${chain.problem ?? 'files are missing or differ'}. The next run makes a full.`,
    };
  }
  const incrementals = `${chain.incrementals} incremental${chain.incrementals === 1 ? '' : 's'}`;
  const sets = chain.incrementals === 0 ? 'was' : `and ${incrementals} were`;
  return {
    type,
    status: 'True',
    reason: 'Listed',
    message: `The full of ${chain.fullTime} ${sets} whole when the repository was last listed, at ${chain.checkedTime}.`,
  };
};

const ready = ({ spec, problems: [problem], requestProblem }: Evidence): Statement[] => {
  if (problem === undefined) {
    const message =
      spec?.suspend === true
        ? 'Applied, and suspended: no run starts until spec.suspend is false.'
        : 'The spec is applied.';
    const reason = spec?.suspend === true ? 'Suspended' : 'Applied';
    const request = requestProblem === undefined ? '' : ` A run that was asked for was not started: ${requestProblem}`;
    return [{ type: 'Ready', status: 'True', reason, message: `${message}${request}` }];
  }
  return [];
};

const stalled = ({ problems }: Evidence): Statement[] => {
  const [first] = problems;
  if (first === undefined) return [];
  const { reason } = first;
  const message = problems.map((problem) => problem.message).join(' ');
  return [
    { type: 'Stalled', status: 'True', reason, message },
    { type: 'Ready', status: 'False', reason, message },
  ];
};

interface Safe {
  readonly history: History;
  /** Set while what is known is of another place than the policy names. */
  readonly changed: Change | undefined;
}

/** What a person asks first when something is not as it should be: is there a backup, and how old is what it holds? */
const safeWords = ({ history: { lastBackupTime, recovery, storedIn }, changed }: Safe): string => {
  const where = changed === undefined || storedIn === undefined ? 'the repository' : storedIn.repository;
  const copy = recovery?.onSite?.where === 'LocalCopy' ? recovery.onSite.dataTime : undefined;
  const onSite =
    copy === undefined || copy === recovery?.offSite?.dataTime
      ? ''
      : ` The newest local copy holds the data of ${copy}.`;
  if (recovery?.checkedTime !== undefined) {
    const words =
      recovery.offSite === undefined
        ? `No backup in ${where} is known to be whole.`
        : `The newest whole backup in ${where} holds the data of ${recovery.offSite.dataTime}.`;
    return `${words}${onSite}`;
  }
  const words =
    lastBackupTime === undefined
      ? `No backup is known to be in ${where}.`
      : `The newest backup in ${where} holds the data of ${lastBackupTime}.`;
  return `${words}${onSite}`;
};

/** True only while all that is summarised is True; a False weighs more than an Unknown. */
const protectedOf = (
  statements: readonly Statement[],
  { problems, history }: Evidence,
  changed: Change | undefined,
): Statement => {
  const type = 'Protected';
  const safe = safeWords({ history, changed });
  const named = (status: Statement['status']): string[] =>
    statements.filter((statement) => statement.status === status).map((statement) => statement.type);
  const failed = named('False');
  const unknown = named('Unknown');
  if (problems.length > 0) {
    return {
      type,
      status: 'False',
      reason: 'Stalled',
      message: `The policy as it is now is not carried out: see the condition Stalled. CronJobs applied before go on unchanged. ${safe}`,
    };
  }
  if (failed.length > 0) {
    return {
      type,
      status: 'False',
      reason: 'NotMet',
      message: `Not met: ${failed.join(', ')}.${unknown.length > 0 ? ` Not known: ${unknown.join(', ')}.` : ''} ${safe}`,
    };
  }
  if (unknown.length > 0)
    return {
      type,
      status: 'Unknown',
      reason: 'NotProven',
      message: `Not known: ${unknown.join(', ')}. ${safe}`,
    };
  return { type, status: 'True', reason: 'Proven', message: 'Everything that was promised is proven.' };
};

/** All conditions of a policy, from evidence alone. Pure. */
export const stateConditions = (evidence: Evidence): Statement[] => {
  const retention = retentionKept(evidence);
  const changed = placeChange(evidence);
  const judged = [
    lastBackupSucceeded(evidence),
    unlessChanged(chainIntact(evidence), changed),
    unlessChanged(verifiedCondition(evidence), changed),
    recoveryPointMet(evidence).statement,
    recoveryTimeMet(evidence).statement,
    runsOnTime(evidence),
    ...(retention === undefined ? [] : [unlessChanged(retention, changed)]),
    ...windowKept(evidence),
  ];
  return [protectedOf(judged, evidence, changed), ...judged, ...ready(evidence), ...stalled(evidence)];
};
