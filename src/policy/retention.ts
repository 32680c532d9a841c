import type { BackupPolicySpec } from '../api/v1alpha1/backuppolicy.ts';
import { shortDigestOf } from '../base/short-digest.ts';
import type { History } from './history.ts';

/** How long a new full, or a chain that came due, may wait for its prune before what is kept counts as not known. */
export const pruneGraceMs = 24 * 60 * 60 * 1000;

/** The accepted loss as a time; undefined when nothing was written that is one. */
export const acceptedTime = (written: string | undefined): string | undefined => {
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
  return written !== undefined && form.test(written) && !Number.isNaN(Date.parse(written)) ? written : undefined;
};

/** Digest of all that says what retention is to keep: when it is another, what was kept by it proves nothing. */
export const retentionRule = (
  { retention, schedule, repository }: BackupPolicySpec,
  acceptShrink: string | undefined,
): string => {
  const asked = { retention, timeZone: schedule.timeZone, repository, accepted: acceptedTime(acceptShrink) };
  return shortDigestOf(asked);
};

/**
 * The newest local copy when it holds so much less than what is stored that nothing may be removed; undefined when it does not, or when a
 * prune after it judged it itself, with what was accepted meanwhile.
 */
export const shrunkCopy = ({
  lastLocalCopy,
  retention,
}: Pick<History, 'lastLocalCopy' | 'retention'>): (History['lastLocalCopy'] & { shrunk: string }) | undefined => {
  const { shrunk } = lastLocalCopy ?? {};
  if (lastLocalCopy === undefined || shrunk === undefined) return undefined;
  const judged = retention === undefined ? 0 : Date.parse(retention.lastPruneTime);
  return judged > Date.parse(lastLocalCopy.completionTime) ? undefined : { ...lastLocalCopy, shrunk };
};

/** Since when retention is to be looked at anew, and why; undefined when all that is known was pruned. */
export const pruneCause = (
  { retention, lastFull }: Pick<History, 'retention' | 'lastFull'>,
  rule: string,
): { readonly key: string; readonly since: Date } | undefined => {
  if (lastFull === undefined) return undefined;
  const completed = new Date(lastFull.completionTime);
  if (retention?.rule !== rule) return { key: `${rule} ${lastFull.setTime}`, since: new Date(0) };
  if (retention.fullTime !== lastFull.setTime) return { key: `${rule} ${lastFull.setTime}`, since: completed };
  if (retention.nextDue === undefined) return undefined;
  return { key: `${rule} ${lastFull.setTime} ${retention.nextDue}`, since: new Date(retention.nextDue) };
};
