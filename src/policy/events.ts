import type { BackupPolicyStatus } from '../api/v1alpha1/backuppolicy.ts';
import { runKinds, type JobKind, type RunKind } from '../api/v1alpha1/recovery-points.ts';
import type { Note } from '../api/v1alpha1/result.ts';
import type { EventNote } from '../kube/events.ts';
import { newReports } from './history.ts';
import type { RunReport, Runs } from './run-reports.ts';

/** What is worth an Event and is as it should be. */
const good: readonly Note['reason'][] = ['ChainRemoved'];

const made = { LocalCopy: 'A local copy', Full: 'A full', Incremental: 'An incremental' } as const;

const isBackup = (kind: JobKind): kind is RunKind => runKinds.some((each) => each === kind);

const eventsOf = (report: RunReport): EventNote[] => {
  const { kind, jobName, outcome, failure, notes } = report;
  const hints = notes.map(
    ({ reason, message }) =>
      ({ type: good.includes(reason) ? 'Normal' : 'Warning', reason, message: `${jobName}: ${message}` }) as const,
  );
  // One that removed nothing is worth none; what it removed is a note.
  if (outcome === 'Succeeded' && !isBackup(kind)) return hints;
  if (outcome === 'Succeeded' && isBackup(kind)) {
    const message = `${made[report.made ?? kind]} was made by ${jobName}, checked and recorded.`;
    return [{ type: 'Normal', reason: `${kind}Succeeded`, message }, ...hints];
  }
  const at = failure === undefined ? '' : ` at step ${failure.step}: ${failure.reason}: ${failure.message}`;
  const how = outcome === 'Failed' ? 'failed' : 'ended, and how is not known,';
  return [{ type: 'Warning', reason: `${kind}${outcome}`, message: `${jobName} ${how}${at}` }, ...hints];
};

const stalledReason = (status: BackupPolicyStatus): string | undefined =>
  status.conditions?.find(({ type }) => type === 'Stalled')?.message;

/** The Events that are due between two statuses: one a run that ended, one when the policy became stalled or was freed. Pure. */
export const dueEvents = (previous: BackupPolicyStatus, next: BackupPolicyStatus, runs: Runs): EventNote[] => {
  const before = stalledReason(previous);
  const after = stalledReason(next);
  const stalled: EventNote[] =
    after !== undefined && after !== before ? [{ type: 'Warning', reason: 'Stalled', message: after }] : [];
  const freed: EventNote[] =
    after === undefined && before !== undefined
      ? [{ type: 'Normal', reason: 'Applied', message: 'The spec is applied.' }]
      : [];
  return [...newReports(previous, runs).flatMap(eventsOf), ...stalled, ...freed];
};
