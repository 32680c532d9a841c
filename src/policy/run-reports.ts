import type { BackupPolicyStatus } from '../api/v1alpha1/backuppolicy.ts';
import type {
  Chain,
  JobKind,
  LocalCopyPoint,
  RecoveryReport,
  RetentionState,
  SetPoint,
  StoredIn,
} from '../api/v1alpha1/recovery-points.ts';
import type { Failure, Result } from '../api/v1alpha1/result.ts';
import { catalogue, type FailureReason } from '../errors/catalogue.ts';
import { timestamp } from '../base/times.ts';
import type { DeepReadonly } from '../base/types.ts';
import { placeDigest, placeOf } from '../workloads/subject.ts';
import { hasStored, isSamePlace } from './named.ts';
import { contradictionOf, isVerified, witnessesOf, worstVerification } from './verifications.ts';
import { ownJobs, type Observed } from './observed.ts';
import { localCopiesOf } from './recovery.ts';
import type { RunReport } from './run-report.ts';
import { resultsOf, type ContainerResult } from './results.ts';
import type { JobView, PodView } from './views.ts';

/** The newest of each kind that any result told of; of what is stored, what results of one place told. */
export interface Newest {
  localCopies: LocalCopyPoint[];
  fulls: SetPoint[];
  incrementals: SetPoint[];
  chains: Chain[];
  /** What each prune found and left, and when. */
  retentions: (RetentionState & { lastPruneTime: string })[];
  dumps: NonNullable<BackupPolicyStatus['lastDump']>[];
  copies: NonNullable<BackupPolicyStatus['localCopies']>[];
  recoveries: RecoveryReport[];
}

export interface Runs {
  reports: RunReport[];
  /** The place that `newest` is of: what the policy names once a set is there, else what status knows. */
  storedIn?: StoredIn | undefined;
  newest: Newest;
}

const fail = (reason: FailureReason, detail: string): Failure => ({
  step: 'Finish',
  reason,
  message: `${detail} ${catalogue[reason].next}`,
});

const present = <T>(values: readonly (T | undefined)[]): T[] =>
  values.filter((value): value is T => value !== undefined);

const imageReasons = ['ImagePullBackOff', 'ErrImagePull', 'ErrImageNeverPull', 'InvalidImageName'];

/** The cause of a failed Job, from the surest witness to the least. */
export const failureOf = (
  job: DeepReadonly<JobView>,
  pods: readonly DeepReadonly<PodView>[],
  results: readonly ContainerResult[],
): Failure => {
  const reported = results.find(({ result }) => result?.failure !== undefined)?.result?.failure;
  if (reported !== undefined) return reported;
  const killed = results.find(({ container }) => container.ended?.reason === 'OOMKilled')?.container;
  if (killed !== undefined) return fail('OutOfMemory', `Container ${killed.name} was stopped for want of memory.`);
  const unpulled = results.find(({ container }) => imageReasons.includes(container.waitingReason ?? ''))?.container;
  if (unpulled !== undefined) {
    return fail(
      'ImageUnavailable',
      `Container ${unpulled.name}: ${unpulled.waitingMessage ?? unpulled.waitingReason}.`,
    );
  }
  if (job.end?.reason === 'DeadlineExceeded') {
    return fail(
      'DeadlineExceeded',
      'The Job was stopped at its own deadline, so the containers could not say where the time went.',
    );
  }
  const lost = pods[0];
  const how =
    lost === undefined
      ? 'The pod is gone.'
      : `The pod ${lost.name} ended ${lost.phase}${lost.reason === undefined ? '' : ` (${lost.reason})`}.`;
  return fail('PodLost', `${how} No container left a result.`);
};

/**
 * A completed Job proves nothing by itself: each container of one pod must have ended with exit status 0 and must say Succeeded, for the
 * kind it was started for.
 */
const neededOf = {
  LocalCopy: ['dump'],
  Full: ['dump', 'ship'],
  Incremental: ['dump', 'ship'],
  Prune: ['prune'],
  Verify: ['fetch', 'verify'],
  // Of a request, not of a policy: read in src/restore.
  Restore: ['check'],
} as const satisfies Record<JobKind, readonly Result['container'][]>;

const provesSuccess = (kind: JobKind, results: readonly ContainerResult[]): boolean => {
  const needed = neededOf[kind];
  const worst = worstVerification(present(results.map(({ result }) => result?.verification)));
  return needed.every((name) =>
    results.some(
      ({ container, result }) =>
        container.name === name &&
        container.ended?.exitCode === 0 &&
        result?.outcome === 'Succeeded' &&
        result.failure === undefined &&
        (kind !== 'Prune' || result.retention !== undefined) &&
        (name !== 'verify' || (isVerified(result.verification) && isVerified(worst))),
    ),
  );
};

const hasEnded = ({ phase }: DeepReadonly<PodView>): boolean => phase === 'Succeeded' || phase === 'Failed';

const reportOf = (
  job: DeepReadonly<JobView>,
  kind: JobKind,
  pods: readonly DeepReadonly<PodView>[],
  now: Date,
): RunReport | undefined => {
  if (job.end === undefined) return undefined;
  const ofPods = pods.map((pod) => resultsOf(kind, pod, now));
  const results = ofPods.flat();
  const base = {
    kind,
    jobName: job.name,
    time: job.end.time,
    repository: results.findLast(({ result }) => result?.repository !== undefined)?.result?.repository,
    made: results.findLast(({ result }) => result?.outcome === 'Succeeded')?.result?.made,
    notes: results.flatMap(({ result }) => result?.notes ?? []),
    verification:
      kind === 'Verify' ? worstVerification(present(results.map(({ result }) => result?.verification))) : undefined,
  };
  if (job.end.outcome === 'Failed') return { ...base, outcome: 'Failed', failure: failureOf(job, pods, results) };
  if (ofPods.some((ofPod) => provesSuccess(kind, ofPod))) return { ...base, outcome: 'Succeeded', failure: undefined };
  // The watch of the pods is behind that of the Jobs: the pod has ended, and its result is on the way.
  if (pods.some((pod) => !hasEnded(pod))) return undefined;
  if (pods.length === 0) {
    return {
      ...base,
      outcome: 'Unknown',
      failure: fail('ResultMissing', `The Job ${job.name} is complete, but its pod is gone with the result.`),
    };
  }
  return {
    ...base,
    outcome: 'Failed',
    failure: fail('ResultMissing', `The Job ${job.name} is complete, but its pod left no valid result.`),
  };
};

const hasSet = ({ newest: { full, incremental, chain, recovery }, verification }: Result): boolean =>
  [full, incremental, chain, recovery, verification?.latest.set].some((each) => each !== undefined);

/**
 * The place that is looked at: the one that the policy names, once any result tells of a set there. Until then what is known of the one before
 * stays, so that a person reads where the backups are.
 */
const placeOfRuns = (
  { spec, status }: Observed['policy'],
  results: readonly Result[],
  now: Date,
): StoredIn | undefined => {
  const { storedIn } = status;
  if (spec === undefined) return storedIn;
  const named = placeOf(spec);
  if (storedIn !== undefined && isSamePlace(storedIn, named)) return storedIn;
  const digest = placeDigest(named);
  if (!results.some((result) => result.repository === digest && hasSet(result))) return storedIn;
  return hasStored(status) ? { ...named, since: timestamp(now) } : named;
};

/**
 * Reads the policy's own Jobs and their pods. Pure. What the results say of the newest copies and sets counts for every run, also one
 * that failed or still goes on: the ledger records only what was complete and checked.
 */
export const readRuns = (observed: Observed, now: Date): Runs => {
  const jobs = ownJobs(observed);
  const podsOf = (job: DeepReadonly<JobView>): DeepReadonly<PodView>[] =>
    observed.pods.filter(({ jobUids }) => jobUids.includes(job.uid));
  const told = jobs.flatMap((job) =>
    podsOf(job)
      .flatMap((pod) => resultsOf(job.kind, pod, now))
      .flatMap(({ result }) => (result === undefined ? [] : [{ jobName: job.name, result }])),
  );
  const results = told.map(({ result }) => result);
  const storedIn = placeOfRuns(observed.policy, results, now);
  const digest = storedIn && placeDigest(storedIn);
  const stored = digest === undefined ? [] : results.filter(({ repository }) => repository === digest);
  const { status } = observed.policy;
  const witnesses = witnessesOf(
    status,
    results.map(({ newest }) => newest),
  );
  const checked = (report: RunReport | undefined): RunReport | undefined => {
    const failure = report === undefined ? undefined : contradictionOf(report, status, witnesses);
    return report === undefined || failure === undefined ? report : { ...report, outcome: 'Failed', failure };
  };
  return {
    storedIn,
    reports: present(
      jobs.map((job) => checked(job.kind === undefined ? undefined : reportOf(job, job.kind, podsOf(job), now))),
    ).sort((a, b) => Date.parse(a.time) - Date.parse(b.time) || (a.jobName < b.jobName ? -1 : 1)),
    newest: {
      localCopies: present(results.map(({ newest }) => newest.localCopy)),
      fulls: present(stored.map(({ newest }) => newest.full)),
      incrementals: present(stored.map(({ newest }) => newest.incremental)),
      chains: present(stored.map(({ newest }) => newest.chain)),
      retentions: stored.flatMap(({ outcome, container, completionTime, retention }) =>
        container === 'prune' && outcome === 'Succeeded' && retention !== undefined
          ? [{ ...retention, lastPruneTime: completionTime }]
          : [],
      ),
      copies: results.flatMap(({ newest: { copies }, completionTime }) =>
        copies === undefined ? [] : [localCopiesOf(copies, completionTime)],
      ),
      recoveries: present(stored.map(({ newest }) => newest.recovery)),
      dumps: told.flatMap(({ jobName, result: { dump } }) => (dump === undefined ? [] : [{ jobName, ...dump }])),
    },
  };
};
