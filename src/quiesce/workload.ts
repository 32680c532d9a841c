import type { V1CronJob, V1Deployment, V1LabelSelector } from '@kubernetes/client-node';
import { isRecord, type KubeObject, type ResourceType, type Wire } from '../kube/types.ts';
import { holdAnnotation, parseHold, type Hold } from './hold.ts';

/** The kinds of workloads that can be stopped. */
export const workloadTypes = {
  Deployment: { group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', namespaced: true },
  StatefulSet: { group: 'apps', version: 'v1', kind: 'StatefulSet', plural: 'statefulsets', namespaced: true },
  CronJob: { group: 'batch', version: 'v1', kind: 'CronJob', plural: 'cronjobs', namespaced: true },
} as const satisfies Record<string, ResourceType>;
export type WorkloadKind = keyof typeof workloadTypes;

/** Names a workload in a namespace. */
export interface WorkloadName {
  readonly kind: WorkloadKind;
  readonly name: string;
}

/** A workload of whatever kind, as far as stopping it goes. Of a CronJob, 0 replicas is suspended and 1 is not. */
export interface Workload extends WorkloadName {
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly replicas: number;
  readonly hold: Hold | 'Damaged' | undefined;
  /** Whether the number of replicas is what Holdfast wrote: nobody has set it since. */
  readonly scaledByUs: boolean;
  /** Who has set it, and when, as the API server keeps it. (Not the generation: a Deployment's moves with every annotation.) */
  readonly scale: string;
  /** Whether its controller has seen the spec as it is. */
  readonly observed: boolean;
  /** Part of Holdfast itself, which must not stop itself. */
  readonly ours: boolean;
  /** Selector of its pods; of a CronJob undefined, for its Jobs are found by their owner. */
  readonly selector: string | undefined;
}

/** By this name the fields that a hold writes are owned. */
export const holdManager = 'holdfast-quiesce';

const managedBy = 'app.kubernetes.io/managed-by';
const partOf = 'app.kubernetes.io/name';

/** Reads a workload. `managedFields` must be there for `scaledByUs`; without them nobody has set it. */
export const readWorkload = (kind: WorkloadKind, raw: KubeObject): Workload => {
  const { metadata } = raw;
  const { labels = {} } = metadata;
  const common = {
    kind,
    name: metadata.name,
    namespace: metadata.namespace ?? '',
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    hold: parseHold(metadata.annotations?.[holdAnnotation]),
    ...scaleOf(kind, metadata['managedFields']),
    ours: labels[managedBy] === 'holdfast' || labels[partOf] === 'holdfast',
  };
  if (kind === 'CronJob') {
    const { spec } = raw as Wire<V1CronJob>;
    return { ...common, replicas: spec?.suspend === true ? 0 : 1, observed: true, selector: undefined };
  }
  const { spec, status } = raw as Wire<V1Deployment>;
  return {
    ...common,
    replicas: spec?.replicas ?? 1,
    observed: (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0),
    selector: selectorText(spec?.selector ?? {}),
  };
};

const scaleOf = (kind: WorkloadKind, managedFields: unknown): Pick<Workload, 'scaledByUs' | 'scale'> => {
  const field = kind === 'CronJob' ? 'f:suspend' : 'f:replicas';
  const owners = (Array.isArray(managedFields) ? managedFields : []).filter(isRecord).filter(({ fieldsV1 }) => {
    const spec = isRecord(fieldsV1) ? fieldsV1['f:spec'] : undefined;
    return isRecord(spec) && field in spec;
  });
  return {
    scaledByUs: owners.some(({ manager }) => manager === holdManager),
    scale: owners
      .map(({ manager, operation, time }) => `${String(manager)} ${String(operation)} ${String(time)}`)
      .toSorted()
      .join(', '),
  };
};

const selectorText = ({ matchLabels = {}, matchExpressions = [] }: Wire<V1LabelSelector>): string =>
  [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key;
      if (operator === 'DoesNotExist') return `!${key}`;
      return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
    }),
  ].join(',');
