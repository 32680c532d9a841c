import { apiVersion } from '../../../src/api/v1alpha1/backuppolicy.ts';
import type { Gate } from '../../../src/api/v1alpha1/gate.ts';
import { gateAnnotation } from '../../../src/api/v1alpha1/gate.ts';
import type { DestinationEvidence, RestorePoint, RestoreReport } from '../../../src/api/v1alpha1/restore-report.ts';
import type { RestoreRequestStatus } from '../../../src/api/v1alpha1/restorerequest.ts';
import type { ContainerName, Failure, Result } from '../../../src/api/v1alpha1/result.ts';
import type { KubeObject } from '../../../src/kube/types.ts';
import { policyAnnotations, restoreAnnotation, restoreStageLabel, runLabels } from '../../../src/workloads/labels.ts';
import type { RestoreStage } from '../../../src/workloads/restore-stage.ts';
import { restoreJobName } from '../../../src/workloads/names.ts';
import { overlay, type Json } from './policies.ts';

/** Requests, and what their Jobs leave, as the API server sends them. */

export const digestOfSet = 'c'.repeat(64);

export interface RequestOptions {
  name?: string;
  uid?: string;
  namespace?: string;
  /** Laid over the sample spec. */
  spec?: Json;
  status?: RestoreRequestStatus;
  finalizers?: string[];
}

const sampleSpec: Json = {
  policyRefs: [{ name: 'agama' }],
  lossTime: '2026-11-15T03:30:00Z',
  destination: { inPlace: {} },
  reason: 'Deleted',
  evidence: 'SELECT COUNT(*) FROM orders fails: no such table',
  requestedBy: 'alice',
};

/** A RestoreRequest as a person applies it. */
export const requestManifest = ({ name = 'orders-lost', namespace = 'shop', spec = {} }: RequestOptions = {}) => ({
  apiVersion,
  kind: 'RestoreRequest',
  metadata: { name, namespace },
  spec: JSON.parse(JSON.stringify(overlay(sampleSpec, spec))) as Json,
});

/** The word of a person upon the plan of a request. */
export const confirmationManifest = (
  { name, uid, namespace }: { name: string; uid: string; namespace: string },
  { planHash, confirmedBy }: { planHash: string; confirmedBy: string },
) => ({
  apiVersion,
  kind: 'RestoreConfirmation',
  metadata: { name: `${name}-${confirmedBy}`, namespace },
  spec: { request: { name, uid }, planHash, confirmedBy, reason: 'the table is gone' },
});

export const rawRequest = (options: RequestOptions = {}): KubeObject => {
  const { metadata, ...manifest } = requestManifest(options);
  return {
    ...manifest,
    metadata: {
      ...metadata,
      uid: options.uid ?? 'request-uid',
      resourceVersion: '5',
      generation: 1,
      creationTimestamp: '2026-11-15T03:40:00Z',
      ...(options.finalizers !== undefined && { finalizers: options.finalizers }),
    },
    status: options.status ?? {},
  };
};

/** A set as a plan names it. */
export const pointOf = (changes: Partial<RestorePoint> = {}): RestorePoint => ({
  set: {
    type: 'Incremental',
    setTime: '2026-11-15T01:10:00Z',
    dataTime: '2026-11-15T01:00:00Z',
    chain: 'chain-20261108T010500Z',
    setDigest: digestOfSet,
    factsDigest: digestOfSet,
  },
  sets: 7,
  storedBytes: 4096,
  sourceBytes: 8192,
  sourceRows: 1000,
  server: 'mariadb 10.11.6',
  earliest: '2026-10-18T01:00:00Z',
  latest: '2026-11-15T01:00:00Z',
  ...changes,
});

export const evidenceOf = (changes: Partial<DestinationEvidence> = {}): DestinationEvidence => ({
  server: 'mariadb 10.11.6',
  present: true,
  objects: 11,
  rows: 600,
  missing: ['table agama.orders'],
  missingCount: 1,
  expectedRows: 1000,
  expectedTime: '2026-11-15T01:00:00Z',
  healthy: false,
  summary: 'table agama.orders is missing; 600 rows instead of 1000',
  ...changes,
});

/** How a container of a restore ended. */
export interface Said {
  container: ContainerName;
  restore?: RestoreReport;
  failure?: Failure;
  notes?: Result['notes'];
  /** It ended without a word. */
  silent?: true;
  /** By whom it was killed, as kubelet tells it. */
  killedBy?: string;
  /** It still runs. */
  running?: true;
}

const at = '2026-11-15T03:41:00Z';
const until = '2026-11-15T03:42:00Z';

/** What a container writes as its result. */
export const restoreResult = (
  { container, restore, failure, notes = [] }: Said,
  [startTime, completionTime] = [at, until],
): string =>
  JSON.stringify({
    version: 1,
    container,
    kind: 'Restore',
    outcome: failure === undefined ? 'Succeeded' : 'Failed',
    startTime,
    completionTime,
    notes,
    ...(failure !== undefined && { failure }),
    ...(restore !== undefined && { restore }),
    newest: {},
  });

const compared = { objects: 12, rows: 1000, factsDigest: digestOfSet };

/** The containers of a restore in place that goes well. */
export const goodRestore: readonly Said[] = [
  { container: 'bring', restore: { fetched: { bytes: 8192, seconds: 2 } } },
  { container: 'load', restore: { compared, state: 'Untouched' } },
  {
    container: 'swap',
    restore: {
      state: 'Replaced',
      safetyCopy: { kind: 'Databases', names: ['holdfast_01234567_old_agama'], count: 1 },
    },
  },
  { container: 'check', restore: { compared } },
];

/** Those of a plan that goes well. */
export const goodPlan = (point = pointOf(), evidence = evidenceOf()): readonly Said[] => [
  { container: 'resolve', restore: { point } },
  { container: 'inspect', restore: { destination: evidence } },
];

/** The request by which a safety copy is put back, laid over the sample spec. */
export const putBackSpec = (name = 'restored'): Json => ({ lossTime: undefined, safetyCopyOf: { name } });

/** The plan of one, that goes well; its destination is what a restore brought. */
export const goodPutBackPlan = (): readonly Said[] => [
  {
    container: 'inspect',
    restore: {
      destination: evidenceOf({ healthy: true, missing: [], missingCount: 0 }),
      copy: { objects: 12, rows: 900 },
    },
  },
];

/** The containers of one that goes well. */
export const goodPutBack: readonly Said[] = goodRestore.slice(1);

export interface StageOptions {
  stage: RestoreStage;
  policy?: string;
  said: readonly Said[];
  end?: 'Complete' | 'Failed' | undefined;
  gate?: Gate;
  request?: { name: string; uid: string; namespace: string };
  jobMetadata?: Json;
  /** Why no node takes the pod. */
  unschedulable?: string;
  /** Its pod is not there. */
  podless?: true;
}

/** The Job of a stage, and its pod. */
export const rawStage = ({
  stage,
  policy = 'agama',
  said,
  end,
  gate,
  request = { name: 'orders-lost', uid: 'request-uid', namespace: 'shop' },
  jobMetadata = {},
  unschedulable,
}: StageOptions): { job: KubeObject; pod: KubeObject } => {
  const name = restoreJobName(request, policy, stage);
  const labels = { ...runLabels(policy, 'Restore'), [restoreStageLabel]: stage };
  const annotations = { ...policyAnnotations(policy), [restoreAnnotation]: request.name };
  const common = {
    namespace: request.namespace,
    resourceVersion: '7',
    creationTimestamp: '2026-11-15T03:40:30Z',
    labels,
  };
  const owner = { apiVersion, kind: 'RestoreRequest', name: request.name, uid: request.uid, controller: true };
  const conditions =
    end === undefined ? [] : [{ type: end, status: 'True', reason: 'Tested', lastTransitionTime: until }];
  const statuses = said.map((each) => ({
    name: each.container,
    state:
      each.running === true
        ? { running: { startedAt: at } }
        : {
            terminated: {
              exitCode: each.failure === undefined && each.silent === undefined ? 0 : 1,
              ...(each.silent === undefined && { message: restoreResult(each) }),
            },
          },
  }));
  const phase = end === undefined ? 'Running' : end === 'Complete' ? 'Succeeded' : 'Failed';
  return {
    job: {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { ...common, name, uid: `uid-of-${name}`, annotations, ownerReferences: [owner], ...jobMetadata },
      status: { conditions, ...(end === 'Complete' ? { completionTime: until } : {}) },
    },
    pod: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        ...common,
        name: `${name}-x`,
        uid: `uid-of-${name}-x`,
        annotations: { ...annotations, ...(gate !== undefined && { [gateAnnotation]: JSON.stringify(gate) }) },
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid: `uid-of-${name}`, controller: true }],
      },
      status: {
        phase,
        initContainerStatuses: statuses.slice(0, -1),
        containerStatuses: statuses.slice(-1),
        ...(unschedulable !== undefined && {
          conditions: [{ type: 'PodScheduled', status: 'False', message: unschedulable }],
        }),
      },
    },
  };
};
