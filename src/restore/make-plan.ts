import { createHash } from 'node:crypto';
import type { BackupPolicySpec } from '../api/v1alpha1/backuppolicy.ts';
import type { ConfirmationMode } from '../api/v1alpha1/restore-policy.ts';
import type { PlannedSet, RestorePointAsked } from '../api/v1alpha1/restore-report.ts';
import type {
  PolicyPlan,
  RestorePlan,
  RestoreRequestSpec,
  RestoreRequestStatus,
} from '../api/v1alpha1/restorerequest.ts';
import { reasonPlaceholder, restoreConfirmationNames } from '../api/v1alpha1/restoreconfirmation.ts';
import { canonical } from '../base/canonical.ts';
import { timestamp } from '../base/times.ts';
import type { DeepReadonly } from '../base/types.ts';
import { sourceDigestOf } from '../workloads/subject.ts';
import { createCommand, ownName, prefixOf } from './command.ts';
import { saidBy, type ObservedRequest, type Part } from './observed.ts';
import { plannedCopy } from './put-back.ts';
import type { RequestView } from './views.ts';

/** The point that a request asks for. */
export const pointAsked = ({ pointInTime, lossTime }: RestoreRequestSpec): RestorePointAsked => {
  if (lossTime !== undefined) return { by: 'Before', time: lossTime };
  return pointInTime === undefined ? { by: 'Latest' } : { by: 'At', time: pointInTime };
};

/** As many policies of a request are restored side by side: each takes a pod, and a share of the way to the backup host. */
export const sideBySide = 4;

const strictness = ['None', 'OnePerson', 'TwoPersons'] as const satisfies readonly ConfirmationMode[];

/** Who must confirm, as a policy says now. What replaces nothing and leaves nothing behind, nobody needs to. */
export const confirmationFor = (
  { spec }: DeepReadonly<NonNullable<Part['policy']>>,
  { destination }: RestoreRequestSpec,
): ConfirmationMode => (destination.sandbox !== undefined ? 'None' : (spec?.restore?.confirmation ?? 'OnePerson'));

/** Who must confirm, of several policies together. */
const strictestOf = (policies: readonly Pick<PolicyPlan, 'confirmation'>[]): ConfirmationMode =>
  strictness.findLast((mode) => policies.some((policy) => policy.confirmation === mode)) ?? 'OnePerson';

const spanWords = (seconds: number): string => {
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
};

const lostWords = (
  { dataTime, unrecorded }: Pick<PlannedSet, 'dataTime' | 'unrecorded'>,
  { spec, metadata }: DeepReadonly<RequestView>,
): string => {
  const until = spec?.lossTime ?? metadata.creationTimestamp;
  const seconds = Math.max(0, (Date.parse(until) - Date.parse(dataTime)) / 1000);
  const what = spec?.lossTime === undefined ? 'the request' : 'the loss';
  const lost = `Everything written after ${dataTime}: the ${spanWords(seconds)} before ${what} of ${until}.`;
  return unrecorded === undefined ? lost : `${lost} That is the time of the set; its data may be older.`;
};

const overwrittenWords = ({ destination }: RestoreRequestSpec, keepFor: string, isPresent: boolean): string => {
  if (destination.inPlace !== undefined) {
    const what = isPresent ? 'What is there now' : 'Nothing is there now; what is there by then';
    return `${what} is replaced, and set aside for ${keepFor} as the safety copy that status names then.`;
  }
  if (destination.newDatabase !== undefined)
    return `Nothing: the new database ${destination.newDatabase.name} must not be there yet.`;
  if (destination.server !== undefined) return 'Nothing: the other server must not have databases of these names.';
  if (destination.volume !== undefined)
    return `Nothing: the files go into a directory of their own on the claim ${destination.volume.claimName}.`;
  return `Nothing: a scratch server is filled, shown for ${destination.sandbox?.keepFor ?? ''}, and thrown away.`;
};

/** What is brought: a set of backups, or a safety copy. */
type Brought = Pick<
  PolicyPlan,
  | 'set'
  | 'verifiedTime'
  | 'sourceBytes'
  | 'sourceRows'
  | 'server'
  | 'unrecorded'
  | 'passedOver'
  | 'latest'
  | 'earliest'
  | 'copy'
>;

const broughtBy = (part: Part, { request, origin }: ObservedRequest): Brought | undefined => {
  if (request.spec?.safetyCopyOf !== undefined) {
    const copy = plannedCopy(part, { origin });
    return copy && { copy };
  }
  const point = saidBy(part.plan, 'resolve')?.restore?.point;
  if (point === undefined) return undefined;
  const { set, verifiedTime, sourceBytes, sourceRows, server, unrecorded, passedOver, latest, earliest } = point;
  return {
    set,
    ...(verifiedTime !== undefined && { verifiedTime }),
    ...(sourceBytes !== undefined && { sourceBytes }),
    ...(sourceRows !== undefined && { sourceRows }),
    ...(server !== undefined && { server }),
    ...(unrecorded !== undefined && { unrecorded }),
    ...(passedOver !== undefined && { passedOver }),
    latest,
    earliest,
  };
};

/** How long it is estimated to take. What was measured of restores says nothing of a safety copy. */
const estimateOf = ({ policy }: Part, { copy }: Brought): Pick<PolicyPlan, 'estimatedSeconds' | 'basis'> => {
  if (copy !== undefined) return { basis: 'How long a safety copy takes to be put back is not known.' };
  const { estimatedSeconds, measuredSeconds } = policy?.status.recovery ?? {};
  if (estimatedSeconds === undefined) return { basis: 'No restore of this policy was measured yet.' };
  const basis = `The newest restore that was measured took ${measuredSeconds ?? '?'} s; scaled to the source of today.`;
  return { estimatedSeconds, basis };
};

const otherSource = ({ set }: Brought, spec: DeepReadonly<BackupPolicySpec>): Pick<PolicyPlan, 'ofAnotherSource'> =>
  set?.source === undefined || set.source === sourceDigestOf(spec)
    ? {}
    : {
        ofAnotherSource:
          'The set was dumped when the policy named something else as spec.source than it does now: another server, other databases, another URL. Look at what is in it before you confirm.',
      };

const policyPlanOf = (part: Part, observed: ObservedRequest): PolicyPlan | undefined => {
  const { request } = observed;
  const brought = broughtBy(part, observed);
  const dataTime = brought?.set?.dataTime ?? brought?.copy?.setAsideTime;
  const { policy } = part;
  if (brought === undefined || dataTime === undefined || policy?.spec === undefined || request.spec === undefined)
    return undefined;
  const evidence = saidBy(part.plan, 'inspect')?.restore?.destination;
  const restore = policy.spec.restore;
  const isInPlace = request.spec.destination.inPlace !== undefined;
  return {
    policy: part.name,
    specDigest: specDigest(policy.spec),
    ...brought,
    ...(evidence !== undefined && { destination: evidence }),
    ...otherSource(brought, policy.spec),
    lost: lostWords({ dataTime, unrecorded: brought.set?.unrecorded }, request),
    overwritten: overwrittenWords(request.spec, restore?.keepSafetyCopyFor ?? '1w', evidence?.present !== false),
    workloads: isInPlace ? (restore?.workloads ?? []) : [],
    ...(isInPlace && restore?.external !== undefined && { external: restore.external }),
    confirmation: confirmationFor(policy, request.spec),
    ...estimateOf(part, brought),
  };
};

/** Whether a ledger records the set that is planned for a policy: else nothing of it is ever said to be proven. Pure. */
export const isRecorded = ({ plan }: DeepReadonly<RestoreRequestStatus>, policyName: string): boolean =>
  plan?.policies.find(({ policy }) => policy === policyName)?.set?.unrecorded === undefined;

/** Together, those side by side counted so; unknown as soon as one is. */
const togetherSeconds = (policies: readonly PolicyPlan[]): number | undefined => {
  const seconds = policies.map(({ estimatedSeconds }) => estimatedSeconds);
  const known = seconds.filter((each) => each !== undefined);
  if (known.length < seconds.length) return undefined;
  const sum = known.reduce((total, each) => total + each, 0);
  return Math.max(Math.ceil(sum / sideBySide), ...known);
};

const digestOf = (value: unknown): string => createHash('sha256').update(canonical(value)).digest('hex');

/** Of what a policy says that decides where a restore reads, and where it writes. */
export const specDigest = ({ source, repository, encryption, restore }: DeepReadonly<BackupPolicySpec>): string =>
  digestOf({ source, repository, encryption, restore });

/** What is confirmed: all that the plan says but for what it is estimated to take, for this very request. Pure. */
export const planHash = ({ metadata, spec }: DeepReadonly<RequestView>, policies: readonly PolicyPlan[]): string => {
  const confirmed = policies.map(({ estimatedSeconds: _seconds, basis: _basis, ...rest }) => rest);
  return digestOf([metadata.uid, spec?.destination, confirmed]);
};

const confirmCommand = ({ metadata }: DeepReadonly<RequestView>, hash: string): string =>
  createCommand({
    kind: restoreConfirmationNames.kind,
    namespace: metadata.namespace,
    prefix: prefixOf(metadata.name),
    spec: [
      `request: { name: ${metadata.name}, uid: ${metadata.uid} }`,
      `planHash: ${hash}`,
      `confirmedBy: ${ownName}`,
      `reason: ${reasonPlaceholder}`,
    ],
  });

/** The plan, out of what the plan Jobs said. Undefined while one has not said it. Pure. */
export const makePlan = (observed: ObservedRequest, now: Date): RestorePlan | undefined => {
  const { request, parts } = observed;
  const policies = parts.map((part) => policyPlanOf(part, observed)).filter((each) => each !== undefined);
  if (policies.length < parts.length || policies.length === 0) return undefined;
  const confirmation = strictestOf(policies);
  const estimatedSeconds = togetherSeconds(policies);
  const hash = planHash(request, policies);
  const dataTime = policies.flatMap(({ set, copy }) => set?.dataTime ?? copy?.setAsideTime ?? []).toSorted()[0];
  return {
    policies,
    ...(dataTime !== undefined && { dataTime }),
    confirmation,
    ...(estimatedSeconds !== undefined && { estimatedSeconds }),
    plannedTime: timestamp(now),
    hash,
    ...(confirmation !== 'None' && { confirmWith: confirmCommand(request, hash) }),
  };
};

/**
 * Whether the status that is read is of the plan that its hash says: a plan that somebody edited counts for nothing. Who must confirm is looked at
 * by itself: it stands beside what the hash is of.
 */
export const isPlanWhole = (request: DeepReadonly<RequestView>, plan: RestorePlan): boolean =>
  planHash(request, plan.policies) === plan.hash && strictestOf(plan.policies) === plan.confirmation;
