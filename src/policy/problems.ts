import type { BackupPolicySpec, ObjectMeta } from '../api/v1alpha1/backuppolicy.ts';
import { durationSeconds } from '../api/v1alpha1/duration.ts';
import { runKinds, type RunKind } from '../api/v1alpha1/recovery-points.ts';
import { nextTime } from '../cron/next.ts';
import { parseCron } from '../cron/parse.ts';
import type { Zone } from '../cron/zone.ts';
import type { Zones } from '../cron/zones.ts';
import { isLessThan } from '../kube/quantity.ts';
import { claimName, cronJobName } from '../workloads/names.ts';
import type { WorkloadSettings } from '../workloads/settings.ts';
import type { Observed } from './observed.ts';

/** Why a policy cannot be carried out until somebody changes it: the condition `Stalled` shows it. */
export interface Problem {
  reason:
    | 'SpecUnreadable'
    | 'FieldNotAvailable'
    | 'ChoiceMissing'
    | 'QuiesceInvalid'
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
  ['spec.source.git', ({ source }) => source.git],
  ['spec.source.files', ({ source }) => source.files],
  ['spec.source.mysql.all', ({ source }) => source.mysql?.all],
  ['spec.source.mysql.tls', ({ source }) => source.mysql?.tls],
  ['spec.repository.sftp', ({ repository }) => repository.sftp],
  ['spec.repository.s3', ({ repository }) => repository.s3],
  ['spec.encryption.gpg.privateKeySecretRef', ({ encryption }) => encryption.gpg?.privateKeySecretRef],
  ['spec.schedule.verify', ({ schedule }) => schedule.verify],
  ['spec.schedule.window', ({ schedule }) => schedule.window],
  ['spec.retention', ({ retention }) => retention],
  ['spec.verification', ({ verification }) => verification],
  ['spec.restore', ({ restore }) => restore],
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
  const own = runKinds.map((kind) => cronJobName(name, kind));
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

const lineOf = ({ schedule }: BackupPolicySpec, kind: RunKind): [field: string, line: string | undefined] => {
  if (kind === 'LocalCopy') return ['localCopy', schedule.localCopy];
  return kind === 'Full' ? ['full', schedule.full] : ['incremental', schedule.incremental];
};

const messageOf = (attempt: () => unknown): string | undefined => {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

// CronJob takes such a line and never starts a run. No zone has a 30 February, so any will do.
const comesNever = (line: string, anyZone: Zone, since: Date): boolean =>
  nextTime(parseCron(line), anyZone, since) === undefined;

const lineProblem = (line: string, utc: Zone, since: Date): string | undefined => {
  const unreadable = messageOf(() => parseCron(line));
  if (unreadable !== undefined) return unreadable;
  return comesNever(line, utc, since) ? `"${line}" never comes: no such day exists. Write a day that does` : undefined;
};

const invalidSchedules = (spec: BackupPolicySpec, { creationTimestamp }: ObjectMeta, zones: Zones): Problem[] => {
  const zone = messageOf(() => zones(spec.schedule.timeZone));
  const zoneProblem = zone === undefined ? [] : [`spec.schedule.timeZone: ${zone}`];
  const utc = zones('UTC');
  const lines = runKinds.flatMap((kind) => {
    const [field, line] = lineOf(spec, kind);
    const problem = line === undefined ? undefined : lineProblem(line, utc, new Date(creationTimestamp));
    return problem === undefined ? [] : [`spec.schedule.${field}: ${problem}`];
  });
  return [...zoneProblem, ...lines].map((problem) => ({ reason: 'ScheduleInvalid', message: `${problem}.` }) as const);
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
  settings: Pick<WorkloadSettings, 'quiesceWorkloads'>,
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
    ...invalidSchedules(spec, observed.policy.metadata, zones),
    ...invalidDeadlines(spec),
    ...claimMismatch(spec, observed),
    ...claimConflict(spec, observed.policy.metadata),
  ];
};
