import { restoreRequestStatus, type RestoreRequestStatus } from '../../../src/api/v1alpha1/restorerequest.ts';
import { jobView, podView, policyView, type JobView, type PodView } from '../../../src/policy/views.ts';
import { statusOf } from '../../../src/restore/conditions.ts';
import { judgeStage } from '../../../src/restore/judge.ts';
import { observeRequest } from '../../../src/restore/observed.ts';
import type { Stage, Verdict } from '../../../src/restore/stage.ts';
import { requestView } from '../../../src/restore/views.ts';
import { testSettings } from './images.ts';
import { rawPolicy, type Json } from './policies.ts';
import { rawRequest, rawStage, type RequestOptions, type StageOptions } from './restores.ts';

/** Requests judged as a reconcile does it, out of objects as the API server sends them. */

export const now = new Date('2026-11-15T03:45:00Z');
export const withKey: Json = {
  encryption: { gpg: { privateKeySecretRef: { name: 'backup-key-private' } } },
  restore: { workloads: [{ kind: 'Deployment', name: 'shop' }] },
};

/** What a request is judged from. */
export interface Given extends RequestOptions {
  policies?: { name: string; spec?: Json }[];
  stages?: StageOptions[];
  verdict?: Verdict;
  held?: string[];
  busy?: string[];
  lost?: string[];
  at?: Date;
  /** The request whose safety copy it puts back, and its Jobs. */
  origin?: (RequestOptions & { stages?: StageOptions[] }) | undefined;
}

/** What is next for a request. */
export const judge = ({
  policies = [{ name: 'agama' }],
  stages = [],
  verdict,
  held = [],
  busy = [],
  lost = [],
  at = now,
  origin,
  ...request
}: Given = {}): Stage & { whole: RestoreRequestStatus } => {
  const objects = [...stages, ...(origin?.stages ?? [])].map((stage) => {
    const { job, pod } = rawStage(stage);
    return { job, pod: stage.podless === true ? undefined : pod };
  });
  const other = origin && requestView(rawRequest(origin));
  const ofPolicy =
    <T extends { policyKey: string | undefined }>(all: T[]) =>
    (key: string) =>
      all.filter(({ policyKey }) => policyKey === key);
  const views = policies.map(({ name, spec = {} }) =>
    policyView(rawPolicy({ name, uid: `uid-of-${name}`, spec: { ...withKey, ...spec } })),
  );
  const caches = {
    policies: { ofPolicy: ofPolicy(views) },
    jobs: { ofPolicy: ofPolicy<JobView>(objects.map(({ job }) => jobView(job))) },
    pods: { ofPolicy: ofPolicy<PodView>(objects.flatMap(({ pod }) => (pod === undefined ? [] : podView(pod)))) },
  };
  const observed = observeRequest(requestView(rawRequest(request)), caches as never, at, (key) =>
    key === other?.key ? other : undefined,
  );
  const stage = judgeStage({
    observed,
    settings: { ...testSettings, quiesceWorkloads: true },
    held: new Set(held),
    busy: new Set(busy),
    lost: new Set(lost),
    verdict,
    now: at,
  });
  // What is written must be what the CRD takes.
  return { ...stage, whole: restoreRequestStatus.parse(statusOf(observed, stage, at)) };
};
