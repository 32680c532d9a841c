import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../../../src/kube/client.ts';
import { resourcePath } from '../../../src/kube/path.ts';
import { apiVersionOf, type KubeObject, type ResourceType } from '../../../src/kube/types.ts';
import { resources } from '../../../src/policy/resources.ts';
import { cronJobName } from '../../../src/workloads/names.ts';
import { endedPodStatus, rawJob, rawPod, successfulContainers, type RunOptions } from '../../support/operator/runs.ts';
import type { Observer } from './observer.ts';
import type { PolicyName } from './policies.ts';

const longestWaitMs = 60_000;
const container = { name: 'main', image: 'registry.test/none:1' };
const podSpec = { restartPolicy: 'Never', containers: [container] };

const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

const withOwner = (raw: KubeObject, uid: string): KubeObject['metadata'] => {
  const { name, namespace = '', labels = {}, annotations = {}, ownerReferences = [] } = raw.metadata;
  return { name, namespace, labels, annotations, ownerReferences: ownerReferences.map((owner) => ({ ...owner, uid })) };
};

const create = async (
  client: KubeClient,
  type: ResourceType,
  metadata: KubeObject['metadata'],
  spec: object,
): Promise<string> => {
  const path = resourcePath({ type, namespace: metadata.namespace });
  const body = {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata,
    spec,
  };
  const made = (await client.request({ method: 'POST', path, body })) as KubeObject;
  return made.metadata.uid ?? '';
};

const patchStatus = async (
  client: KubeClient,
  type: ResourceType,
  { name, namespace }: KubeObject['metadata'],
  status: unknown,
): Promise<void> => {
  const path = resourcePath({ type, namespace, name, subresource: 'status' });
  await client.request({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body: { status } });
};

/** Plays the end of a full backup as the Job controller and the kubelet write it; gives the moment at which the Job was over. */
export const playRun = async (client: KubeClient, policy: PolicyName, jobName: string): Promise<number> => {
  const cronJobPath = resourcePath({
    type: resources.cronJob,
    namespace: policy.namespace,
    name: cronJobName(policy.name, 'Full'),
  });
  const cronJob = (await client.request({ method: 'GET', path: cronJobPath })) as KubeObject;
  const time = now();
  const options: RunOptions = { kind: 'Full', policy: policy.name, namespace: policy.namespace, jobName, time };
  const jobMetadata = withOwner(rawJob(options), cronJob.metadata.uid ?? '');
  const jobUid = await create(client, resources.job, jobMetadata, { template: { spec: podSpec } });
  const ended = successfulContainers(options);
  const podMetadata = withOwner(rawPod(options, ended), jobUid);
  await create(client, resources.pod, podMetadata, podSpec);
  await patchStatus(client, resources.pod, podMetadata, endedPodStatus(ended, 'Succeeded', time));
  await patchStatus(client, resources.job, jobMetadata, {
    startTime: time,
    completionTime: time,
    succeeded: 1,
    conditions: ['SuccessCriteriaMet', 'Complete'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: time,
      lastProbeTime: time,
    })),
  });
  return performance.now();
};

/** One run after another, each for another policy; gives how long each took from the end of its Job to the status, in milliseconds. */
export const measureRuns = async (
  client: KubeClient,
  observer: Observer,
  policies: readonly PolicyName[],
): Promise<number[]> => {
  const took: number[] = [];
  for (const [index, policy] of policies.entries()) {
    const jobName = `bench-run-${index}`;
    const told = observer.whenTold(jobName);
    const endedMs = await playRun(client, policy, jobName);
    const end = new AbortController();
    const tooLong = sleep(longestWaitMs, undefined, { signal: end.signal }).then(() => {
      throw new Error(`the status of ${policy.namespace}/${policy.name} did not tell of ${jobName}`);
    });
    tooLong.catch(() => {});
    took.push(Math.max(0, (await Promise.race([told, tooLong])) - endedMs));
    end.abort();
  }
  return took;
};
