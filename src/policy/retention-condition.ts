import type { BackupPolicySpec } from '../api/v1alpha1/backuppolicy.ts';
import { acceptShrinkAnnotation } from '../workloads/labels.ts';
import { failureWords } from './failure-words.ts';
import type { Statement } from './statement.ts';
import type { History } from './history.ts';
import { acceptedTime, pruneCause, pruneGraceMs, retentionRule, shrunkCopy } from './retention.ts';

/** What the condition is judged from. */
export interface RetentionEvidence {
  readonly name: string;
  readonly spec: BackupPolicySpec | undefined;
  readonly history: History;
  readonly acceptShrink: string | undefined;
  readonly now: Date;
}

const type = 'RetentionKept';

const asked = ({ retention }: BackupPolicySpec): string =>
  [
    retention?.keepFor === undefined ? [] : [`keepFor ${retention.keepFor}`],
    retention?.keepFullChains === undefined ? [] : [`keepFullChains ${retention.keepFullChains}`],
  ]
    .flat()
    .join(', ');

const countOf = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const frozen = ({ name, history, acceptShrink }: RetentionEvidence): Statement | undefined => {
  const copy = shrunkCopy(history);
  if (copy === undefined) return undefined;
  const unread =
    acceptShrink !== undefined && acceptedTime(acceptShrink) === undefined
      ? ` What ${acceptShrinkAnnotation} says now is not a time such as ${copy.dataTime}.`
      : '';
  return {
    type,
    status: 'False',
    reason: 'Frozen',
    message: `Nothing is removed: the source may have been emptied. The copy of ${copy.dataTime} holds ${copy.shrunk}. If that is meant: kubectl annotate backuppolicy ${name} --overwrite ${acceptShrinkAnnotation}=${copy.dataTime}. If not, restore from a backup of before; retention goes on by itself once a copy is full again.${unread}`,
  };
};

/** The newest prune, when it did not end well and none has since. */
const failed = ({ history }: RetentionEvidence): Statement | undefined => {
  const run = history.lastRuns?.find(({ kind }) => kind === 'Prune');
  if (run === undefined || run.outcome === 'Succeeded') return undefined;
  return {
    type,
    status: run.outcome === 'Failed' ? 'False' : 'Unknown',
    reason: run.reason ?? 'Failed',
    message: `Prune ${run.jobName} ${run.outcome === 'Failed' ? 'failed' : 'ended, and how is not known'}${failureWords(history, run)} It is tried again. Its log, while the Job is kept: kubectl logs job/${run.jobName}.`,
  };
};

/**
 * Whether what is stored is what retention asks for. Undefined without retention: nothing was promised, and nothing is removed. True needs a
 * prune by this very rule that listed the repository afterwards; a new full, or a chain that comes due, has a day to be pruned.
 */
export const retentionKept = (evidence: RetentionEvidence): Statement | undefined => {
  const { spec, history, acceptShrink, now } = evidence;
  if (spec?.retention === undefined) return undefined;
  const bad = frozen(evidence) ?? failed(evidence);
  if (bad !== undefined) return bad;
  const { retention, lastFull } = history;
  if (lastFull === undefined) {
    return { type, status: 'Unknown', reason: 'NoChainYet', message: 'No full has been shipped yet.' };
  }
  const rule = retentionRule(spec, acceptShrink);
  if (retention === undefined || retention.rule !== rule) {
    return {
      type,
      status: 'Unknown',
      reason: 'NotPruned',
      message: `What is stored was not judged yet by what is asked now (${asked(spec)}).${spec.suspend ? ' Nothing is removed while the policy is suspended.' : ''}`,
    };
  }
  if (retention.left !== undefined) {
    return {
      type,
      status: 'False',
      reason: 'LeftInRepository',
      message: `In the repository there is what is older than asked, and Holdfast removes only what it made and knows: ${retention.left}. Look at it, and remove it by hand.`,
    };
  }
  const cause = pruneCause(history, rule);
  if (cause !== undefined && now.getTime() > cause.since.getTime() + pruneGraceMs) {
    return {
      type,
      status: 'Unknown',
      reason: 'Overdue',
      message: `Retention last ran at ${retention.lastPruneTime}, and was due on ${cause.since.toISOString().replace(/\.\d+/, '')}.`,
    };
  }
  const oldest =
    retention.oldestPointTime === undefined
      ? ''
      : ` The oldest state that can be restored is of ${retention.oldestPointTime}.`;
  const next = retention.nextDue === undefined ? '' : ` The next chain comes due on ${retention.nextDue}.`;
  return {
    type,
    status: 'True',
    reason: 'Listed',
    message: `${countOf(retention.chains, 'chain')} ${retention.chains === 1 ? 'is' : 'are'} kept (${asked(spec)}), by the repository’s listing of ${retention.lastPruneTime}.${oldest}${next}`,
  };
};
