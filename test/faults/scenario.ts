import { setTimeout as wait } from 'node:timers/promises';
import type { ApiRequest, KubeClient } from '../../src/kube/client.ts';
import { resourcePath } from '../../src/kube/path.ts';
import { isKubeObject, isRecord, type KubeObject, type ResourceType } from '../../src/kube/types.ts';
import { resources } from '../../src/policy/resources.ts';
import { conditionOf } from '../support/operator/cluster.ts';
import { policyManifest } from '../support/operator/policies.ts';
import { later, successfulContainers } from '../support/operator/runs.ts';

/** The world around the operator, as the scenario moves it: a person, the Job controller and kubelet. There is no node. */
export interface World {
  readonly api: KubeClient;
  readonly namespace: string;
  /** When the run ended; fixed, so that every run of the scenario records the same. */
  readonly runTime: string;
}

const serviceAccount: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};

const jobName = 'agama-full-1';

const send = async (api: KubeClient, request: ApiRequest): Promise<KubeObject> => {
  const answer = await api.request(request);
  if (!isKubeObject(answer)) throw new Error(`${request.method} ${request.path}: no object`);
  return answer;
};

const create = ({ api, namespace }: World, type: ResourceType, body: object): Promise<KubeObject> =>
  send(api, { method: 'POST', path: resourcePath(type.namespaced ? { type, namespace } : { type }), body });

const read = ({ api, namespace }: World, type: ResourceType, name: string): Promise<KubeObject> =>
  send(api, { method: 'GET', path: resourcePath({ type, namespace, name }) });

const patch = (world: World, type: ResourceType, name: string, body: object, subresource?: string) =>
  send(world.api, {
    method: 'PATCH',
    path: resourcePath({ type, namespace: world.namespace, name, subresource }),
    contentType: 'application/merge-patch+json',
    body,
  });

/** The policy, once it is Ready for its newest generation and `also` holds; undefined until then. */
const readyPolicy = async (
  world: World,
  also: (status: Record<string, unknown>) => boolean = () => true,
): Promise<KubeObject | undefined> => {
  const policy = await read(world, resources.policy, 'agama');
  const ready = conditionOf(policy, 'Ready');
  const { status } = policy;
  const isReady = ready?.['status'] === 'True' && ready['observedGeneration'] === policy.metadata.generation;
  return isReady && isRecord(status) && also(status) ? policy : undefined;
};

const knowsRun = ({ lastRuns }: Record<string, unknown>): boolean => JSON.stringify(lastRuns ?? []).includes(jobName);

/** One step of the scenario: what the world does, and what it then waits for. */
export interface Step {
  readonly name: string;
  readonly act: (world: World) => Promise<void>;
  /** Whether the operator has done its part, as far as the next step needs it. */
  readonly done: (world: World) => Promise<boolean>;
}

const prepare = async (world: World): Promise<void> => {
  const { namespace: name } = world;
  await create(world, resources.namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  // Its controller does not run here, and admission wants one for a pod.
  await create(world, serviceAccount, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
};

const createPolicy = async (world: World): Promise<void> => {
  await create(world, resources.policy, policyManifest({ namespace: world.namespace }));
};

// A CronJob that changes, one that goes, two that stay.
const changePolicy = async (world: World): Promise<void> => {
  await patch(world, resources.policy, 'agama', { spec: { schedule: { full: '35 1 * * 0', incremental: null } } });
};

const ownedBy = ({ apiVersion, kind, metadata: { name, uid } }: KubeObject) => [
  { apiVersion, kind, name, uid, controller: true },
];

const record = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});

const startJob = async (world: World): Promise<KubeObject> => {
  const cronJob = await read(world, resources.cronJob, 'agama-full');
  const template = record(record(cronJob['spec'])['jobTemplate']);
  const metadata = { ...record(template['metadata']), name: jobName, ownerReferences: ownedBy(cronJob) };
  return create(world, resources.job, { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: template['spec'] });
};

const startPod = async (world: World, job: KubeObject): Promise<string> => {
  const template = record(record(job['spec'])['template']);
  const name = `${jobName}-x7x7x`;
  const metadata = { ...record(template['metadata']), name, ownerReferences: ownedBy(job) };
  await create(world, resources.pod, { apiVersion: 'v1', kind: 'Pod', metadata, spec: template['spec'] });
  return name;
};

const endPod = async (world: World, name: string): Promise<void> => {
  const times = { startedAt: later(world.runTime, -900), finishedAt: world.runTime };
  const statuses = successfulContainers({ jobName, namespace: world.namespace, time: world.runTime }).map(
    ({ name, message }) => ({
      name,
      image: 'registry.test/a:1',
      imageID: '',
      ready: false,
      restartCount: 0,
      state: { terminated: { exitCode: 0, reason: 'Completed', message, ...times } },
    }),
  );
  const status = {
    phase: 'Succeeded',
    initContainerStatuses: statuses.slice(0, -1),
    containerStatuses: statuses.slice(-1),
  };
  await patch(world, resources.pod, name, { status }, 'status');
};

const endJob = async (world: World): Promise<void> => {
  const at = world.runTime;
  const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
    type,
    status: 'True',
    reason: 'CompletionsReached',
    lastProbeTime: at,
    lastTransitionTime: at,
  }));
  const status = {
    startTime: later(at, -900),
    completionTime: at,
    succeeded: 1,
    ready: 0,
    terminating: 0,
    uncountedTerminatedPods: {},
    conditions,
  };
  await patch(world, resources.job, jobName, { status }, 'status');
};

const runOnce = async (world: World): Promise<void> => {
  const job = await startJob(world);
  const pod = await startPod(world, job);
  // Runs last longer than a watch needs to show that they have begun.
  await wait(300);
  await endPod(world, pod);
  await endJob(world);
};

/** A policy is created, changed, and a run of it is recorded. */
export const policyScenario: readonly Step[] = [
  { name: 'the policy is created', act: createPolicy, done: async (world) => (await readyPolicy(world)) !== undefined },
  { name: 'the policy is changed', act: changePolicy, done: async (world) => (await readyPolicy(world)) !== undefined },
  {
    name: 'a full is run',
    act: runOnce,
    done: async (world) => (await readyPolicy(world, knowsRun)) !== undefined,
  },
];

/** What must be there before the operator starts. */
export const prepareWorld = prepare;
