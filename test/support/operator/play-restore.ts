import { gateAnnotation, parseGate, type Gate } from '../../../src/api/v1alpha1/gate.ts';
import type { ContainerName } from '../../../src/api/v1alpha1/result.ts';
import { isRecord, type KubeObject } from '../../../src/kube/types.ts';
import { restoreAnnotation, restoreStageLabel } from '../../../src/workloads/labels.ts';
import type { RestoreStage } from '../../../src/workloads/restore-stage.ts';
import { eventually, type OperatorCluster } from './cluster.ts';
import { goodPlan, goodRestore, restoreResult, type Said } from './restores.ts';

/** Plays kubelet and agent in the pods of a request: there is no node, so the test writes what they would. */

const seconds = (): string => `${new Date().toISOString().slice(0, 19)}Z`;

/** The state of a container that runs, or has ended, as kubelet writes it. */
export const containerStateOf = (said: Said, startedAt: string): object => {
  const common = { name: said.container, image: 'registry.test/a:1', imageID: '', ready: false, restartCount: 0 };
  if (said.running === true) return { ...common, ready: true, state: { running: { startedAt } } };
  const exitCode = said.failure === undefined && said.silent === undefined ? 0 : 1;
  const message = said.silent === true ? {} : { message: restoreResult(said, [startedAt, seconds()]) };
  const reason = said.killedBy ?? (exitCode === 0 ? 'Completed' : 'Error');
  return {
    ...common,
    state: {
      terminated: {
        exitCode: said.killedBy === undefined ? exitCode : 137,
        reason,
        startedAt,
        finishedAt: seconds(),
        ...message,
      },
    },
  };
};

interface PlayOptions {
  /** Name of the request. */
  request?: string;
  /** The containers of its restore, that goes well. */
  steps?: readonly Said[];
}

export const createRestorePlay = (
  cluster: OperatorCluster,
  namespace: string,
  { request: ofRequest = 'orders-lost', steps = goodRestore }: PlayOptions = {},
) => {
  const { kubectl } = cluster.plane;
  const inNamespace = ['--namespace', namespace];
  const podOf = (stage: RestoreStage): Promise<KubeObject> =>
    eventually(`a pod that is to ${stage}`, async () => {
      const pods = await cluster.list(namespace, 'pods', '--selector', `${restoreStageLabel}=${stage}`);
      return pods.find(({ metadata }) => metadata.annotations?.[restoreAnnotation] === ofRequest);
    });
  /** What the containers of a pod have come to; `main` is the name of the last one. */
  const say = async (
    stage: RestoreStage,
    main: ContainerName,
    said: readonly Said[],
    phase: string,
    podReason?: string,
  ): Promise<void> => {
    const pod = await podOf(stage);
    const startedAt = seconds();
    const states = said.map((each) => [each.container, containerStateOf(each, startedAt)] as const);
    const status = {
      phase,
      ...(podReason !== undefined && { reason: podReason }),
      initContainerStatuses: states.filter(([name]) => name !== main).map(([, state]) => state),
      containerStatuses: states.filter(([name]) => name === main).map(([, state]) => state),
    };
    await kubectl([
      'patch',
      'pod',
      pod.metadata.name,
      ...inNamespace,
      '--subresource=status',
      '--type=merge',
      '--patch',
      JSON.stringify({ status }),
    ]);
  };
  const isRunning = (said: readonly Said[]): boolean => said.some(({ running }) => running === true);
  const until = (name: ContainerName): Said[] => {
    const index = steps.findIndex(({ container }) => container === name);
    return [...steps.slice(0, index), { container: name, running: true }];
  };
  return {
    podOf,
    /** The plan Job ends, as told. */
    async plan(said: readonly Said[] = goodPlan()): Promise<void> {
      const failed = said.some(({ failure }) => failure !== undefined);
      await say('plan', 'inspect', said, failed ? 'Failed' : 'Succeeded');
    },
    /** The restore has come as far as this container, which runs. */
    restoreUntil: (name: ContainerName) =>
      say('restore', 'check', until(name), name === 'check' ? 'Running' : 'Pending'),
    /** The restore ends, as told. */
    async restore(said: readonly Said[] = steps): Promise<void> {
      if (isRunning(said)) throw new Error('it would still run');
      const failed = said.some(({ failure, silent }) => failure !== undefined || silent === true);
      await say('restore', 'check', said, failed ? 'Failed' : 'Succeeded');
    },
    /** The container that runs is killed, and the pod with it: by the kernel, or for the reason that kubelet has. */
    async killed(name: ContainerName, by: 'OOMKilled' | 'Evicted'): Promise<void> {
      const killedBy = by === 'OOMKilled' ? by : 'ContainerStatusUnknown';
      const said = [...until(name).slice(0, -1), { container: name, silent: true, killedBy } as const];
      await say('restore', 'check', said, 'Failed', by === 'Evicted' ? by : undefined);
    },
    /** The pod is gone without a word, as with its node. */
    async vanish(): Promise<void> {
      const pod = await podOf('restore');
      await kubectl(['delete', 'pod', pod.metadata.name, ...inNamespace, '--wait=false']);
    },
    /** The Job ends that removes what was set aside, or what was loaded. */
    removal: (stage: 'discard' | 'clean') => say(stage, 'discard', [{ container: 'discard' }], 'Succeeded'),
    async gate(): Promise<Gate | undefined> {
      const { metadata } = await podOf('restore');
      return parseGate(metadata.annotations?.[gateAnnotation]);
    },
    async request(name = ofRequest): Promise<Record<string, unknown>> {
      const { status } = await cluster.get('restorerequest', name, ...inNamespace);
      return isRecord(status) ? status : {};
    },
    /** Waits until the request is in this phase; gives its status. @throws Error with the last status when it is not */
    async phase(phase: string, name = ofRequest): Promise<Record<string, unknown>> {
      let last: Record<string, unknown> = {};
      try {
        return await eventually(`the request is ${phase}`, async () => {
          last = await this.request(name);
          return last['phase'] === phase && last;
        });
      } catch (error) {
        throw new Error(`the request is not ${phase}: ${JSON.stringify({ ...last, plan: undefined })}`, {
          cause: error,
        });
      }
    },
    replicasOf: async (name: string): Promise<unknown> => {
      const { spec } = await cluster.get('deployment', name, ...inNamespace);
      return isRecord(spec) ? spec['replicas'] : undefined;
    },
  };
};
