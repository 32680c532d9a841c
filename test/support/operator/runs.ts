import { apiVersion } from '../../../src/api/v1alpha1/backuppolicy.ts';
import {
  runKinds,
  scheduledKinds,
  type JobKind,
  type RetentionState,
} from '../../../src/api/v1alpha1/recovery-points.ts';
import type { Result } from '../../../src/api/v1alpha1/result.ts';
import type { VerificationReport, VerificationResult } from '../../../src/api/v1alpha1/verification.ts';
import type { KubeObject } from '../../../src/kube/types.ts';
import type { Observed } from '../../../src/policy/observed.ts';
import type { Newest } from '../../../src/policy/run-reports.ts';
import { claimView, cronJobView, jobView, podView, policyView } from '../../../src/policy/views.ts';
import { policyAnnotations, runLabels } from '../../../src/workloads/labels.ts';
import { cronJobName } from '../../../src/workloads/names.ts';
import { rawPolicy, subjectOfSpec, type Json } from './policies.ts';

const digest = 'a'.repeat(64);

/** What the results of the tests are about: what the sample policy names. */
export const subject = subjectOfSpec();

/** A second later than the other, or so many. */
export const later = (time: string, seconds: number): string =>
  new Date(Date.parse(time) + seconds * 1000).toISOString().replace('.000Z', 'Z');

/** Names of what a run of the tests is made of. */
export interface RunOptions {
  kind?: JobKind;
  policy?: string;
  namespace?: string;
  policyUid?: string;
  jobName?: string;
  /** When the Job ended. */
  time?: string;
}

const withDefaults = ({
  kind = 'Full',
  policy = 'agama',
  namespace = 'shop',
  policyUid = 'policy-uid',
  time = '2026-11-15T02:00:00Z',
  ...rest
}: RunOptions) => {
  const jobName =
    rest.jobName ?? (kind === 'Prune' || kind === 'Restore' ? `${policy}-prune-0-0` : `${cronJobName(policy, kind)}-1`);
  return { kind, policy, namespace, policyUid, time, jobName };
};

const metadataOf = (options: ReturnType<typeof withDefaults>, name: string, uid: string) => ({
  name,
  namespace: options.namespace,
  uid,
  resourceVersion: '7',
  creationTimestamp: '2026-11-01T00:00:10Z',
  labels: runLabels(options.policy, options.kind),
  annotations: policyAnnotations(options.policy),
});

/** The CronJob of a kind of run, as the API server sends it. */
export const rawCronJob = (given: RunOptions = {}): KubeObject => {
  const options = withDefaults(given);
  if (options.kind === 'Prune' || options.kind === 'Restore') throw new Error('no CronJob prunes or restores');
  const name = cronJobName(options.policy, options.kind);
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: {
      ...metadataOf(options, name, `uid-of-${name}-of-${options.policyUid}`),
      ownerReferences: [
        { apiVersion, kind: 'BackupPolicy', name: options.policy, uid: options.policyUid, controller: true },
      ],
    },
    spec: {},
  };
};

/** The Job of a run; `end` is how it ended. */
export const rawJob = (given: RunOptions = {}, end: 'Complete' | 'Failed' | 'active' = 'Complete'): KubeObject => {
  const options = withDefaults(given);
  const owner =
    options.kind === 'Prune'
      ? { apiVersion, kind: 'BackupPolicy', name: options.policy, uid: options.policyUid, controller: true }
      : {
          apiVersion: 'batch/v1',
          kind: 'CronJob',
          name: rawCronJob(given).metadata.name,
          uid: rawCronJob(given).metadata.uid ?? '',
          controller: true,
        };
  const conditions =
    end === 'active' ? [] : [{ type: end, status: 'True', reason: 'Tested', lastTransitionTime: options.time }];
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      ...metadataOf(options, options.jobName, `uid-of-${options.jobName}`),
      ownerReferences: [owner],
    },
    status: { conditions, ...(end === 'Complete' ? { completionTime: options.time } : {}) },
  };
};

/** What a container of a run left. */
export interface ContainerEnd {
  name: string;
  /** The termination message. */
  message?: string;
  exitCode?: number;
  reason?: string;
  waiting?: { reason: string; message: string };
}

/** The pod of a run. */
export const rawPod = (given: RunOptions, containers: readonly ContainerEnd[], phase = 'Succeeded'): KubeObject => {
  const options = withDefaults(given);
  const name = `${options.jobName}-x7x7x`;
  const statuses = containers.map(({ name, message, exitCode = 0, reason, waiting }) => ({
    name,
    state:
      waiting === undefined
        ? {
            terminated: {
              exitCode,
              ...(reason === undefined ? {} : { reason }),
              ...(message === undefined ? {} : { message }),
            },
          }
        : { waiting },
  }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadataOf(options, name, `uid-of-${name}`),
      ownerReferences: [
        {
          apiVersion: 'batch/v1',
          kind: 'Job',
          name: options.jobName,
          uid: `uid-of-${options.jobName}`,
          controller: true,
        },
      ],
    },
    status: { phase, initContainerStatuses: statuses.slice(0, -1), containerStatuses: statuses.slice(-1) },
  };
};

/** What kubelet writes of a pod whose containers have ended: the last one is no init container. */
export const endedPodStatus = (
  containers: readonly ContainerEnd[],
  phase: 'Succeeded' | 'Failed',
  at: string,
): Json => {
  const statuses = containers.map(
    ({ name, message, exitCode = 0, reason = exitCode === 0 ? 'Completed' : 'Error' }) => ({
      name,
      image: 'registry.test/a:1',
      imageID: '',
      ready: false,
      restartCount: 0,
      state: {
        terminated: { exitCode, reason, startedAt: at, finishedAt: at, ...(message === undefined ? {} : { message }) },
      },
    }),
  );
  return { phase, initContainerStatuses: statuses.slice(0, -1), containerStatuses: statuses.slice(-1) };
};

/** Points as an agent reports them, all of one moment. */
export const pointsOf = (jobName: string, time: string) => {
  const point = {
    dataTime: later(time, -900),
    completionTime: later(time, -10),
    durationSeconds: 60,
    sizeBytes: 4096,
    jobName,
  };
  const set = { ...point, setTime: later(time, -800), sentBytes: 1024, setDigest: digest };
  return {
    localCopy: { ...point, factsDigest: digest, name: '20261115T010000Z' },
    full: { ...set, factsDigest: digest },
    incremental: set,
    chain: { fullTime: later(time, -800), incrementals: 0, intact: true, checkedTime: later(time, -20) },
  };
};

/** What a prune says that it found and left. */
export const retentionOf = (changes: Partial<RetentionState> = {}): RetentionState => ({
  rule: 'a-rule',
  fullTime: '2026-11-15T01:46:40Z',
  removed: 1,
  chains: 4,
  oldestPointTime: '2026-10-18T23:05:00Z',
  nextDue: '2026-11-22T23:05:00Z',
  ...changes,
});

/** What a verification says that restored a set and found it equal; `changes` are laid over its report. */
export const verificationOf = (changes: Partial<VerificationReport> = {}): VerificationResult => ({
  latest: {
    outcome: 'Verified',
    set: {
      type: 'Full',
      setTime: '2026-11-15T01:46:40Z',
      dataTime: '2026-11-15T01:45:00Z',
      chain: 'chain-20261115T014630Z',
      setDigest: digest,
      factsDigest: digest,
      source: subject.source,
    },
    checks: {
      created: { outcome: 'Passed', evidence: 'shipped at 2026-11-15T01:59:50Z' },
      readable: { outcome: 'Passed', evidence: 'fetched and decrypted' },
      complete: { outcome: 'Passed', evidence: '3 files' },
      restorable: { outcome: 'Passed', evidence: '12 objects are equal' },
    },
    objectsCompared: 12,
    rowsCompared: 3456,
    sourceBytes: 4096,
    seconds: { fetch: 10.2, load: 20.4, compare: 5.5 },
    server: 'mariadb 10.11.6',
    ...changes,
  },
});

/** The local copies as an agent lists them: one. */
const copiesAt = (time: string, shipped: boolean): Json => ({
  count: 1,
  newest: [{ name: later(time, -900).replaceAll(/[-:]/g, ''), sizeBytes: 4096, ...(shipped ? { shipped: true } : {}) }],
});

/** What an agent tells when that copy was shipped. */
const shippedAt = (time: string): Json => ({
  copies: copiesAt(time, true),
  recovery: {
    checkedTime: later(time, -20),
    earliest: later(time, -900),
    offSite: later(time, -900),
    source: subject.source,
    earliestSource: subject.source,
  },
});

/** What a container of a kind of run says beside what all say. */
const saidBy = (container: Result['container'], kind: JobKind): Json => {
  if (container === 'prune') return { retention: retentionOf() };
  if (kind === 'Verify') return container === 'verify' ? { verification: verificationOf() } : {};
  return { made: container === 'dump' ? 'LocalCopy' : kind };
};

/** The result of a container as JSON; `changes` are laid over a success. */
export const resultOf = (container: Result['container'], given: RunOptions = {}, changes: Json = {}): Json => {
  const { kind, jobName, time } = withDefaults(given);
  const { localCopy, full, incremental, chain } = pointsOf(jobName, time);
  const sets = kind === 'Full' ? { full, chain } : { incremental, chain };
  return {
    version: 1,
    container,
    kind,
    outcome: 'Succeeded',
    startTime: later(time, -900),
    completionTime: later(time, -5),
    repository: subject.repository,
    ...saidBy(container, kind),
    ...(container === 'dump' ? { dump: { startTime: later(time, -900), endTime: later(time, -600) } } : {}),
    newest:
      kind === 'Verify'
        ? {}
        : container === 'dump'
          ? { localCopy, copies: copiesAt(time, false) }
          : { localCopy, ...sets, ...shippedAt(time) },
    ...changes,
  };
};

/** A failure as an agent reports it. */
export const failedResultOf = (
  container: Result['container'],
  given: RunOptions = {},
  failure: Json = {
    step: 'Connect',
    reason: 'AccessDenied',
    message: 'The server db.example.com:3306 refused the account. Check the credentials Secret agama-mysql.',
  },
): Json => resultOf(container, given, { outcome: 'Failed', made: undefined, newest: {}, failure });

const endOf = (name: Result['container'], result: Json): ContainerEnd => ({
  name,
  message: JSON.stringify(result),
  exitCode: result['outcome'] === 'Succeeded' ? 0 : 1,
});

/** The containers of a run that did what it was started for. */
export const successfulContainers = (given: RunOptions = {}): ContainerEnd[] => {
  if (withDefaults(given).kind === 'Prune') return [endOf('prune', resultOf('prune', given))];
  if (withDefaults(given).kind === 'Verify') {
    return (['fetch', 'verify'] as const).map((name) => endOf(name, resultOf(name, given)));
  }
  const dump = endOf('dump', resultOf('dump', given));
  return withDefaults(given).kind === 'LocalCopy' ? [dump] : [dump, endOf('ship', resultOf('ship', given))];
};

/** What the API server holds, as raw objects. */
export interface World {
  policy?: KubeObject;
  claims?: readonly KubeObject[];
  cronJobs?: readonly KubeObject[];
  jobs?: readonly KubeObject[];
  pods?: readonly KubeObject[];
}

/** The CronJobs of a policy that schedules everything. */
export const allCronJobs = (): KubeObject[] => scheduledKinds.map((kind) => rawCronJob({ kind }));

/** What a reconcile sees of it, read by the very functions that the caches use. */
export const observedOf = ({ policy, claims = [], cronJobs, jobs = [], pods = [] }: World = {}): Observed => ({
  policy: policyView(policy ?? rawPolicy()),
  claims: claims.map(claimView),
  cronJobs: (cronJobs ?? runKinds.map((kind) => rawCronJob({ kind }))).map(cronJobView),
  jobs: jobs.map(jobView),
  pods: pods.map(podView),
});

/** Some time after all runs of the tests. */
export const now = new Date('2026-11-22T12:00:00Z');

/** What is read where no result tells of anything. */
export const nothingNew: Newest = {
  localCopies: [],
  fulls: [],
  incrementals: [],
  chains: [],
  retentions: [],
  dumps: [],
  copies: [],
  recoveries: [],
};
