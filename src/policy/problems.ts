import type { BackupPolicy, BackupPolicySpec, ObjectMeta } from '../api/v1alpha1/backuppolicy.ts';
import { durationSeconds } from '../api/v1alpha1/duration.ts';
import { scheduledKinds, type ScheduledKind } from '../api/v1alpha1/recovery-points.ts';
import { parseGitUrl, type GitUrl } from '../api/v1alpha1/sources/git-url.ts';
import type { GitSource } from '../api/v1alpha1/sources/git.ts';
import { nextTime } from '../cron/next.ts';
import { parseCron } from '../cron/parse.ts';
import type { CronSchedule } from '../cron/schedule.ts';
import { mayComeInWindow } from '../cron/window.ts';
import type { Zone } from '../cron/zone.ts';
import type { Zones } from '../cron/zones.ts';
import { isLessThan } from '../kube/quantity.ts';
import { cronLineOf, scheduleField } from '../workloads/lines.ts';
import { claimName, cronJobName } from '../workloads/names.ts';
import type { WorkloadSettings } from '../workloads/settings.ts';
import { windowOf, windowWords } from '../workloads/window.ts';
import type { Observed } from './observed.ts';
import { verificationProblems } from './verification-problems.ts';

/** Why a policy cannot be carried out until somebody changes it: the condition `Stalled` shows it. */
export interface Problem {
  reason:
    | 'SpecUnreadable'
    | 'FieldNotAvailable'
    | 'ChoiceMissing'
    | 'QuiesceInvalid'
    | 'VerificationInvalid'
    | 'ScheduleInvalid'
    | 'DeadlineInvalid'
    | 'ClaimMismatch'
    | 'ClaimConflict'
    | 'NameTaken'
    | 'ApplyRefused';
  message: string;
}

type Given = (spec: BackupPolicySpec) => unknown;

/** The fields that do nothing yet. A field leaves this table when what it promises is kept. */
const notAvailable: readonly (readonly [field: string, given: Given])[] = [
  ['spec.source.files', ({ source }) => source.files],
  ['spec.repository.sftp', ({ repository }) => repository.sftp],
  ['spec.repository.s3', ({ repository }) => repository.s3],
  ['spec.podTemplate', ({ podTemplate }) => podTemplate],
  ['spec.egressCIDRs', ({ egressCIDRs }) => egressCIDRs],
];

const unavailableFields = (spec: BackupPolicySpec): Problem[] => {
  const fields = notAvailable.filter(([, given]) => given(spec) !== undefined).map(([field]) => field);
  if (fields.length === 0) return [];
  const are = fields.length === 1 ? 'is' : 'are';
  return [
    {
      reason: 'FieldNotAvailable',
      message: `${fields.join(', ')} ${are} not available in this version, and a promise that is not kept must not look kept: remove ${fields.length === 1 ? 'it' : 'them'}.`,
    },
  ];
};

type Choices = (spec: BackupPolicySpec) => readonly unknown[];

/** What one kind of address needs: the field, or an address of another kind; not both. */
const gitChoice = (git: GitSource | undefined, by: GitUrl['by'], field: unknown): readonly unknown[] =>
  git === undefined ? [true] : [field, parseGitUrl(git.url)?.by === by ? undefined : true];

const gitKey = (git: GitSource | undefined): unknown =>
  git !== undefined && parseGitUrl(git.url)?.by === 'ssh' ? git.credentialsSecretRef : true;

/**
 * Choices that the CRD's rules make sure of. Asked again, since what would follow without them looks well: no CronJobs at all, or backups in
 * the clear.
 */
const choices: readonly (readonly [field: string, given: Choices])[] = [
  ['spec.source', ({ source: { mysql, influxdb, git, files } }) => [mysql, influxdb, git, files]],
  [
    'spec.source.mysql: databases or all',
    ({ source: { mysql } }) => (mysql === undefined ? [true] : [mysql.databases, mysql.all]),
  ],
  ['spec.source.git: claimName, or a url with a host', ({ source: { git } }) => gitChoice(git, 'path', git?.claimName)],
  [
    'spec.source.git: knownHosts, or a url that is not ssh',
    ({ source: { git } }) => gitChoice(git, 'ssh', git?.knownHosts),
  ],
  ['spec.source.git: credentialsSecretRef, which ssh needs', ({ source: { git } }) => [gitKey(git)]],
  ['spec.repository', ({ repository: { rsync, sftp, s3, volume } }) => [rsync, sftp, s3, volume]],
  ['spec.encryption', ({ encryption: { gpg, passphraseSecretRef, none } }) => [gpg, passphraseSecretRef, none]],
  [
    'spec.quiesce: readOnly or workloads',
    ({ quiesce }) => (quiesce === undefined ? [true] : [quiesce.readOnly, quiesce.workloads]),
  ],
  ['spec.schedule: localCopy or full', ({ schedule }) => [schedule.localCopy ?? schedule.full]],
];

const missingChoices = (spec: BackupPolicySpec): Problem[] =>
  choices
    .filter(([, given]) => given(spec).filter((choice) => choice !== undefined).length !== 1)
    .map(([field]) => ({
      reason: 'ChoiceMissing',
      message: `${field}: a choice is missing, or there is more than one. The CRD refuses that: update the CRD, which is of another version, and correct the field.`,
    }));

const invalidQuiesce = (
  { source, quiesce }: BackupPolicySpec,
  { name }: ObjectMeta,
  { quiesceWorkloads }: Pick<WorkloadSettings, 'quiesceWorkloads'>,
): Problem[] => {
  const problems: string[] = [];
  if (quiesce?.readOnly !== undefined && source.mysql === undefined) {
    problems.push(
      'spec.quiesce.readOnly: only a MySQL or MariaDB server can be made read-only. Remove it, or use spec.quiesce.workloads.',
    );
  }
  if (quiesce?.workloads !== undefined && !quiesceWorkloads) {
    problems.push(
      'spec.quiesce.workloads: this operator was not given the right to stop workloads. Install it with the chart’s value quiesce.enabled=true, or remove the field.',
    );
  }
  const own = scheduledKinds.map((kind) => cronJobName(name, kind));
  const itself = quiesce?.workloads?.find((workload) => workload.kind === 'CronJob' && own.includes(workload.name));
  if (itself !== undefined) {
    problems.push(`spec.quiesce.workloads: the CronJob ${itself.name} makes this policy’s own backups. Remove it.`);
  }
  return problems.map((message) => ({ reason: 'QuiesceInvalid', message }));
};

/** CronJob may miss every run with less (Kubernetes' CronJob, startingDeadlineSeconds). */
const shortestStartSeconds = 10;
/** Beyond it Kubernetes' own arithmetic and timers overflow at some point; no run takes as long. */
const longestDeadlineSeconds = 31 * 24 * 60 * 60;

const deadlineProblem = (field: string, deadline: string): string | undefined => {
  const unreadable = messageOf(() => durationSeconds(deadline));
  if (unreadable !== undefined) return `${unreadable}.`;
  if (field === 'start' && durationSeconds(deadline) < shortestStartSeconds) {
    return `with ${deadline} CronJob may miss every run. Set ${shortestStartSeconds}s or more.`;
  }
  return durationSeconds(deadline) > longestDeadlineSeconds ? `${deadline} is too long. Set 31d or less.` : undefined;
};

const invalidDeadlines = ({ deadlines }: BackupPolicySpec): Problem[] =>
  Object.entries(deadlines).flatMap(([field, deadline]) => {
    const problem = deadlineProblem(field, deadline);
    return problem === undefined
      ? []
      : [{ reason: 'DeadlineInvalid' as const, message: `spec.deadlines.${field}: ${problem}` }];
  });

const messageOfError = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const messageOf = (attempt: () => unknown): string | undefined => {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return messageOfError(error);
  }
};

// CronJob takes such a line and never starts a run. No zone has a 30 February, so any will do.
const comesNever = (schedule: CronSchedule, anyZone: Zone, since: Date): boolean =>
  nextTime(schedule, anyZone, since) === undefined;

/** Only where the run surely dumps: a full or incremental of a policy with local copies ships one, at any time of the day. */
const dumpsItself = ({ schedule }: BackupPolicySpec, kind: ScheduledKind): boolean =>
  kind === 'LocalCopy' || (kind !== 'Verify' && schedule.localCopy === undefined);

const outsideWindow = (spec: BackupPolicySpec, kind: ScheduledKind, schedule: CronSchedule): string | undefined => {
  // A window that cannot be read is a problem of its own.
  const window = messageOf(() => windowOf(spec.schedule)) === undefined ? windowOf(spec.schedule) : undefined;
  if (window === undefined || !dumpsItself(spec, kind) || mayComeInWindow(schedule, window)) return undefined;
  return `"${schedule.line}" never comes in ${windowWords(spec.schedule)}, so the window could not be kept. Write a time inside it`;
};

const lineProblem = (
  { metadata, spec }: Pick<BackupPolicy, 'metadata' | 'spec'>,
  kind: ScheduledKind,
  utc: Zone,
): string | undefined => {
  try {
    const line = cronLineOf({ metadata, spec }, kind);
    if (line === undefined) return undefined;
    const schedule = parseCron(line);
    if (comesNever(schedule, utc, new Date(metadata.creationTimestamp)))
      return `"${line}" never comes: no such day exists. Write a day that does`;
    return outsideWindow(spec, kind, schedule);
  } catch (error) {
    return messageOfError(error);
  }
};

const invalidSchedules = (spec: BackupPolicySpec, metadata: ObjectMeta, zones: Zones): Problem[] => {
  const zone = messageOf(() => zones(spec.schedule.timeZone));
  const zoneProblem = zone === undefined ? [] : [`spec.schedule.timeZone: ${zone}`];
  const window = messageOf(() => windowOf(spec.schedule));
  const windowProblem = window === undefined ? [] : [`spec.schedule.window: ${window}`];
  const utc = zones('UTC');
  const lines = scheduledKinds.flatMap((kind) => {
    const problem = lineProblem({ metadata, spec }, kind, utc);
    return problem === undefined ? [] : [`spec.schedule.${scheduleField[kind]}: ${problem}`];
  });
  return [...zoneProblem, ...windowProblem, ...lines].map(
    (problem) => ({ reason: 'ScheduleInvalid', message: `${problem}.` }) as const,
  );
};

const claimMismatch = (spec: BackupPolicySpec, { policy, claims }: Observed): Problem[] => {
  const claim = claims.find(({ name }) => name === claimName(policy.metadata.name));
  if (claim === undefined) return [];
  const { storageClassName, size } = spec.localCopy;
  if (storageClassName !== undefined && claim.storageClassName !== storageClassName) {
    return [
      {
        reason: 'ClaimMismatch',
        message: `spec.localCopy.storageClassName is ${storageClassName}, but the claim ${claim.name} was made with ${claim.storageClassName ?? 'none'}, and a claim keeps its class. Put the class back; to move, copy what the claim holds, delete it, and let Holdfast make it anew.`,
      },
    ];
  }
  const requested = claim.requestedStorage;
  if (requested !== undefined && isLessThan(size, requested)) {
    return [
      {
        reason: 'ClaimMismatch',
        message: `spec.localCopy.size is ${size}, but the claim ${claim.name} has ${requested}, and a claim cannot shrink. Set the size to ${requested} or more.`,
      },
    ];
  }
  return [];
};

/** A backup beside what it is to save goes with it, and a backup of the repository grows with each run. */
const claimConflict = ({ source, repository }: BackupPolicySpec, { name }: ObjectMeta): Problem[] => {
  const target = repository.volume?.claimName;
  const others = [
    { claim: claimName(name), is: 'the claim of the policy itself, which holds its local copies' },
    { claim: source.files?.claimName, is: 'the claim that is backed up' },
  ];
  return others
    .filter(({ claim }) => claim !== undefined && claim === target)
    .map(({ claim, is }) => ({
      reason: 'ClaimConflict',
      message: `spec.repository.volume.claimName is ${claim}, ${is}: what is lost there would be lost with its backups. Name a claim on other storage.`,
    }));
};

/** Everything that keeps a policy from being carried out, in the order a person should read it. */
export const findProblems = (
  observed: Observed,
  zones: Zones,
  settings: Pick<WorkloadSettings, 'quiesceWorkloads' | 'sandboxImages'>,
): Problem[] => {
  const { spec, specProblem } = observed.policy;
  if (spec === undefined) {
    return [
      {
        reason: 'SpecUnreadable',
        message: `${specProblem ?? 'spec cannot be read'}. Correct the field; if it is right, the CRD and the operator are of different versions.`,
      },
    ];
  }
  return [
    ...unavailableFields(spec),
    ...missingChoices(spec),
    ...invalidQuiesce(spec, observed.policy.metadata, settings),
    ...verificationProblems(spec, settings).map((message) => ({ reason: 'VerificationInvalid' as const, message })),
    ...invalidSchedules(spec, observed.policy.metadata, zones),
    ...invalidDeadlines(spec),
    ...claimMismatch(spec, observed),
    ...claimConflict(spec, observed.policy.metadata),
  ];
};
