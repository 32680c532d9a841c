import type { BackupPolicySpec, BackupPolicyStatus, LastRun } from '../api/v1alpha1/backuppolicy.ts';
import { queriesDigest } from '../api/v1alpha1/verification.ts';
import { placeDigest, placeOf, sourceDigestOf, type Place } from '../workloads/subject.ts';
import type { Evidence, Statement } from './statement.ts';

/**
 * What was proven of what the spec named before proves nothing of what it names now: another repository, another key, another source. Such a
 * True is Unknown until a run has told of what is named. A False stays: it is no better for that.
 */

type Stored = Pick<
  BackupPolicyStatus,
  'storedIn' | 'lastFull' | 'lastIncremental' | 'chain' | 'recovery' | 'retention' | 'lastVerified'
>;

/** Why evidence does not count, as a condition says it. */
export type Change = Pick<Statement, 'reason' | 'message'>;

export const isSamePlace = (a: Place, b: Place): boolean =>
  a.repository === b.repository && a.encryption === b.encryption;

/** Whether status remembers anything that lies in a repository. */
export const hasStored = ({ lastFull, lastIncremental, chain, recovery, retention, lastVerified }: Stored): boolean =>
  [lastFull, lastIncremental, chain, recovery?.checkedTime, retention, lastVerified].some((each) => each !== undefined);

/** Whether what status remembers of a repository is of the one that the spec names. */
export const isStoredAsNamed = (spec: BackupPolicySpec, status: Stored): boolean =>
  !hasStored(status) || (status.storedIn !== undefined && isSamePlace(status.storedIn, placeOf(spec)));

const atOnce = (name: string, kind: 'full' | 'incremental' | 'verify'): string =>
  `The next run tells; start one at once: kubectl annotate backuppolicy ${name} --overwrite holdfast.dev/run=${kind}@$(date +%s).`;

/** That the spec names another place than what is known is of; undefined while it does not. Pure. */
export const placeChange = ({
  spec,
  history,
  name,
}: Pick<Evidence, 'spec' | 'history' | 'name'>): Change | undefined => {
  if (spec === undefined || isStoredAsNamed(spec, history)) return undefined;
  const { storedIn } = history;
  const named = placeOf(spec);
  if (storedIn === undefined) {
    const message = `It is not recorded of which repository what is known is; the policy names ${named.repository}. ${atOnce(name, 'full')}`;
    return { reason: 'RepositoryChanged', message };
  }
  if (storedIn.repository === named.repository) {
    const message = `What is known is of backups that are opened otherwise (${storedIn.encryption}); the policy says now: ${named.encryption}. That it opens any is not proven. ${atOnce(name, 'full')}`;
    return { reason: 'EncryptionChanged', message };
  }
  const message = `What is known is of ${storedIn.repository}; the policy names ${named.repository} now, and no backup is known to be there. ${atOnce(name, 'full')}`;
  return { reason: 'RepositoryChanged', message };
};

/** That a run stored in another place than the spec names; undefined when it was the same. Of which one is known as long as status is about it. Pure. */
export const runChange = (
  evidence: Pick<Evidence, 'spec' | 'history' | 'name'>,
  { repository }: Pick<LastRun, 'repository'>,
): Change | undefined => {
  const { spec, name } = evidence;
  if (spec === undefined || repository === placeDigest(placeOf(spec))) return undefined;
  const { repository: there, encryption } = placeOf(spec);
  const message = `That was where the policy stored before; now it names ${there} (${encryption}). ${atOnce(name, 'full')}`;
  return placeChange(evidence) ?? { reason: 'RepositoryChanged', message };
};

/** That what was proven is of another source than the spec names; undefined when it is of the same. Pure. */
export const sourceChange = (
  { spec, history, name }: Pick<Evidence, 'spec' | 'history' | 'name'>,
  source: string | undefined,
): Change | undefined => {
  if (spec === undefined) return undefined;
  const named = sourceDigestOf(spec);
  if (source === named) return undefined;
  const backup = spec.schedule.incremental === undefined ? 'full' : 'incremental';
  const next = history.recovery?.offSite?.source === named ? 'verify' : backup;
  const message = `It holds what the policy named before as spec.source, and not what it names now. ${atOnce(name, next)}`;
  return { reason: 'SourceChanged', message };
};

/** That the policy has other checks of its own than those that were made; undefined when it has the same, or none. Pure. */
export const queriesChange = (
  { spec, name }: Pick<Evidence, 'spec' | 'name'>,
  queries: string | undefined,
): Change | undefined => {
  const asked = queriesDigest(spec?.verification?.queries ?? []);
  if (asked === undefined || asked === queries) return undefined;
  const message = `What spec.verification.queries ask now was not asked of it. ${atOnce(name, 'verify')}`;
  return { reason: 'QueriesChanged', message };
};

/** What is True of something else is Unknown. Pure. */
export const unlessChanged = (statement: Statement, change: Change | undefined): Statement => {
  if (statement.status !== 'True' || change === undefined) return statement;
  const { reason, message } = change;
  return { ...statement, status: 'Unknown', reason, message: `${statement.message} ${message}` };
};
