import type { V1Job, V1Pod } from '@kubernetes/client-node';
import type { KubeClient } from '../kube/client.ts';
import { listAll } from '../kube/list.ts';
import { getObject } from '../kube/objects.ts';
import type { KubeObject, Wire } from '../kube/types.ts';
import { resources } from '../policy/resources.ts';
import type { Found } from './plan.ts';
import { readWorkload, workloadTypes, type Workload, type WorkloadName } from './workload.ts';

interface Scope {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly signal: AbortSignal;
}

/** A workload as it is now, past every cache. */
export const lookAtWorkload = async (
  { client, namespace, signal }: Scope,
  { kind, name }: WorkloadName,
): Promise<Workload | undefined> => {
  const raw = await getObject(client, workloadTypes[kind], { namespace, name }, { signal });
  return raw === undefined ? undefined : readWorkload(kind, raw);
};

/**
 * Pods of a workload that have not ended, those that are being deleted included: they may still write, and no controller counts them. Of a
 * CronJob, its Jobs.
 */
const countPods = ({ client, namespace, signal }: Scope, workload: Workload): Promise<number> =>
  workload.selector === undefined
    ? countOf({ client, namespace, signal, type: resources.job }, (raw) => isRunningJobOf(raw, workload.uid))
    : countOf({ client, namespace, signal, type: resources.pod, labelSelector: workload.selector }, isLivePod);

type Listing = Omit<Parameters<typeof listAll>[0], 'pageSize' | 'keep'>;

const countOf = async (listing: Listing, counts: (raw: KubeObject) => boolean): Promise<number> => {
  const { items } = await listAll({ ...listing, pageSize: 500, keep: counts });
  return items.filter(Boolean).length;
};

const isLivePod = (raw: KubeObject): boolean => {
  const { status } = raw as Wire<V1Pod>;
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
};

const isRunningJobOf = (raw: KubeObject, cronJobUid: string): boolean => {
  if (raw.metadata.ownerReferences?.some(({ uid }) => uid === cronJobUid) !== true) return false;
  const { status } = raw as Wire<V1Job>;
  const over = status?.conditions?.some(
    ({ type, status: holds }) => (type === 'Complete' || type === 'Failed') && holds === 'True',
  );
  return over !== true;
};

/** A workload with its pods, which are counted only when it has no replicas. */
export const lookAt = async (scope: Scope, wanted: WorkloadName): Promise<Found> => {
  const workload = await lookAtWorkload(scope, wanted);
  const pods = workload?.replicas === 0 ? await countPods(scope, workload) : undefined;
  return { wanted, workload, pods };
};
