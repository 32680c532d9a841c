import type { KubeObject } from '../../../src/kube/types.ts';
import type { Verdict } from '../../../src/restore/stage.ts';
import { startOperatorCluster, type OperatorCluster } from '../../support/operator/cluster.ts';
import { runInProcess, type InProcessOperator } from '../../support/operator/in-process.ts';
import { createRestorePlay } from '../../support/operator/play-restore.ts';
import type { Json } from '../../support/operator/policies.ts';
import { confirmationManifest, requestManifest } from '../../support/operator/restores.ts';
import { application } from '../../support/operator/workloads.ts';
import { there } from '../../support/there.ts';

/** Requests in namespaces of their own, each with an operator, an application and somebody who confirms when told. */

const nobody: Verdict = { refused: [] };
const bob: Verdict = {
  accepted: { name: 'yes', uid: 'confirmation-uid', confirmedBy: 'bob', time: '2026-11-15T03:44:00Z' },
  refused: [],
};

export interface SceneOptions {
  /** Laid over `restore` of the policy. */
  readonly restore?: Json;
  /** Laid over the spec of the request. */
  readonly request?: Json;
  /** What happens in the namespace before the request is made. */
  readonly before?: (namespace: string) => Promise<void>;
}

export interface Scene {
  readonly play: ReturnType<typeof createRestorePlay>;
  readonly namespace: string;
  /** It is planned as it should be, and confirmed. */
  begin(): Promise<void>;
  /** Somebody confirms the request of that name, `orders-lost` left out: the controller asks what counts as soon as there is any. */
  confirm(name?: string): Promise<void>;
  /** The operator is stopped, and another one starts. */
  restart(): Promise<void>;
}

interface Scenes {
  setUp(options?: SceneOptions): Promise<Scene>;
  /** Stops all operators. */
  stop(): Promise<void>;
}

/** The Jobs that restore, in a namespace. */
const restoreJobsOf = (cluster: OperatorCluster, namespace: string): Promise<KubeObject[]> =>
  cluster.list(namespace, 'jobs', '--selector', 'holdfast.dev/restore-stage=restore');

/** In namespaces that begin with `prefix`. */
const createScenes = (cluster: OperatorCluster, prefix: string): Scenes => {
  const running = new Set<InProcessOperator>();
  let numbers = 0;
  const setUp = async ({ restore = {}, request = {}, before }: SceneOptions = {}): Promise<Scene> => {
    numbers += 1;
    const namespace = `${prefix}-${numbers}`;
    let verdict = nobody;
    await cluster.namespace(namespace);
    await cluster.apply(application('Deployment', { namespace, name: 'shop', replicas: 2 }));
    await cluster.policy({
      namespace,
      spec: {
        encryption: { gpg: { privateKeySecretRef: { name: 'backup-key-private' } } },
        restore: { workloads: [{ kind: 'Deployment', name: 'shop' }], ...restore },
      },
    });
    const start = (): InProcessOperator => {
      const { kubeconfig } = cluster.plane;
      const operator = runInProcess({ kubeconfig, namespace, restore: { confirm: () => Promise.resolve(verdict) } });
      running.add(operator);
      return operator;
    };
    let operator = start();
    await before?.(namespace);
    await cluster.apply(requestManifest({ namespace, spec: request }));
    const scene: Scene = {
      play: createRestorePlay(cluster, namespace),
      namespace,
      async begin() {
        await scene.play.plan();
        await scene.play.phase('AwaitingConfirmation');
        await scene.confirm();
      },
      async confirm(name = 'orders-lost') {
        verdict = bob;
        const { metadata } = await cluster.get('restorerequest', name, '--namespace', namespace);
        const { uid = '' } = metadata;
        const word = { planHash: '0'.repeat(64), confirmedBy: 'bob' };
        await cluster.apply(confirmationManifest({ name, uid, namespace }, word));
      },
      async restart() {
        running.delete(operator);
        await operator.stop();
        operator = start();
      },
    };
    return scene;
  };
  return {
    setUp,
    async stop() {
      for (const operator of running) await operator.stop();
    },
  };
};

/** What the tests of a file play on: a cluster with the controllers of Jobs, Deployments and garbage, for all of them. */
export interface Theatre {
  readonly cluster: OperatorCluster;
  setUp(options?: SceneOptions): Promise<Scene>;
  restoreJobs(namespace: string): Promise<KubeObject[]>;
}

export const theatreForAll = (prefix: string): Theatre => {
  let cluster: OperatorCluster | undefined;
  let scenes: Scenes | undefined;
  beforeAll(async () => {
    cluster = await startOperatorCluster({ controllerManager: true });
    scenes = createScenes(cluster, prefix);
  }, 180_000);
  afterAll(async () => {
    await scenes?.stop();
    await cluster?.stop();
  });
  return {
    get cluster() {
      return there(cluster);
    },
    setUp: (options) => there(scenes).setUp(options),
    restoreJobs: (namespace) => restoreJobsOf(there(cluster), namespace),
  };
};
