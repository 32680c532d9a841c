import { gateAnnotation, parseGate, type Gate } from '../../../src/api/v1alpha1/gate.ts';
import { isRecord, type KubeObject } from '../../../src/kube/types.ts';
import { holdAnnotation, parseHold } from '../../../src/quiesce/hold.ts';
import type { WorkloadKind } from '../../../src/quiesce/workload.ts';
import { eventually, type OperatorCluster } from './cluster.ts';
import { endedPodStatus, resultOf } from './runs.ts';

/** What the operator is told so that it stops workloads. */
export const quiesceEnvironment = { HOLDFAST_QUIESCE_WORKLOADS: 'Enabled' } as const;

const container = { name: 'app', image: 'registry.test/app:1' };

const templateOf = (name: string, nodeName: string | undefined): object => ({
  metadata: { labels: { app: name } },
  // A service account is not made where no controller of it runs.
  spec: { automountServiceAccountToken: false, containers: [container], ...(nodeName !== undefined && { nodeName }) },
});

/** An application as a person applies it. */
export const application = (
  kind: WorkloadKind,
  {
    namespace,
    name,
    replicas = 3,
    nodeName,
  }: {
    namespace: string;
    name: string;
    replicas?: number;
    /** A node that is not there: its pods are never told to be gone. */
    nodeName?: string;
  },
): object => {
  const metadata = { name, namespace };
  if (kind === 'CronJob') {
    const template = { spec: { restartPolicy: 'Never', containers: [container] } };
    const spec = { schedule: '0 0 1 1 *', suspend: replicas === 0, jobTemplate: { spec: { template } } };
    return { apiVersion: 'batch/v1', kind, metadata, spec };
  }
  const spec = { replicas, selector: { matchLabels: { app: name } }, template: templateOf(name, nodeName) };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata,
    spec: kind === 'StatefulSet' ? { ...spec, serviceName: name } : spec,
  };
};

/** What of a workload counts: how many replicas it is to have, and who holds it. */
export const stateOf = ({ kind, metadata, spec }: KubeObject) => {
  const given = isRecord(spec) ? spec : {};
  const hold = parseHold(metadata.annotations?.[holdAnnotation]);
  return {
    replicas: kind === 'CronJob' ? Number(given['suspend'] !== true) : given['replicas'],
    holders: hold === undefined || hold === 'Damaged' ? hold : hold.holders.map((holder) => holder.for),
    labelled: metadata.labels?.['holdfast.dev/held'],
  };
};

/** A workload that nobody holds. */
export const free = (replicas: number) => ({ replicas, holders: undefined, labelled: undefined });

/** What kubelet says of the containers of a pod while one of them runs. */
const runningStatus = (before: readonly object[], since: string): object => {
  const common = { name: 'dump', image: 'a', imageID: '', ready: true, restartCount: 0 };
  const dump = { ...common, state: { running: { startedAt: since } } };
  return before.length === 0
    ? { phase: 'Running', containerStatuses: [dump] }
    : { phase: 'Pending', initContainerStatuses: [...before, dump] };
};

const seconds = (): string => `${new Date().toISOString().slice(0, 19)}Z`;

/** Plays Job controller, kubelet and people around the dumps of a policy. */
export const createPlay = (cluster: OperatorCluster, namespace: string) => {
  const { kubectl } = cluster.plane;
  const inNamespace = ['--namespace', namespace];
  const patchStatus = async (pod: string, status: object): Promise<void> => {
    await kubectl([
      'patch',
      'pod',
      pod,
      ...inNamespace,
      '--subresource=status',
      '--type=merge',
      '--patch',
      JSON.stringify({ status }),
    ]);
  };
  return {
    stateOf: async (kind: WorkloadKind, name: string) =>
      stateOf(await cluster.get(kind.toLowerCase(), name, ...inNamespace)),
    /** Starts a run of a CronJob whose dump container then runs; gives the name of its pod. */
    async run(cronJob: string, jobName: string, decided?: { dumps: boolean }): Promise<string> {
      await kubectl(['create', 'job', jobName, `--from=cronjob/${cronJob}`, ...inNamespace]);
      const pod = await eventually(`a pod of ${jobName}`, async () => {
        const found = await cluster.list(namespace, 'pods', '--selector', `batch.kubernetes.io/job-name=${jobName}`);
        return found[0]?.metadata.name;
      });
      const at = seconds();
      const message = JSON.stringify(
        resultOf('dump', { jobName, kind: 'Full' }, { container: 'decide', made: undefined, newest: {}, ...decided }),
      );
      const ended = endedPodStatus([{ name: 'decide', message }], 'Succeeded', at)['containerStatuses'];
      await patchStatus(pod, runningStatus(decided === undefined || !Array.isArray(ended) ? [] : ended, at));
      return pod;
    },
    /** The dump container has ended, and with it the pod. */
    async end(pod: string, jobName: string): Promise<void> {
      const message = JSON.stringify(resultOf('dump', { kind: 'LocalCopy', jobName }));
      await patchStatus(pod, endedPodStatus([{ name: 'dump', message }], 'Succeeded', seconds()) as object);
    },
    async gate(pod: string): Promise<Gate | undefined> {
      const { metadata } = await cluster.get('pod', pod, ...inNamespace);
      return parseGate(metadata.annotations?.[gateAnnotation]);
    },
    async podsOf(name: string): Promise<number> {
      return (await cluster.list(namespace, 'pods', '--selector', `app=${name}`)).length;
    },
    scale: (kind: WorkloadKind, name: string, replicas: number) =>
      kubectl(['scale', kind.toLowerCase(), name, `--replicas=${replicas}`, ...inNamespace]),
  };
};
