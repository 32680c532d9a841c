import { testSettings } from './images.ts';
import { setTimeout as wait } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { createClient, type KubeClient } from '../../../src/kube/client.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { createController, type Controller } from '../../../src/kube/controller.ts';
import { createEventRecorder } from '../../../src/kube/events.ts';
import { alwaysLeader } from '../../../src/kube/lease.ts';
import { createLogger, type Logger } from '../../../src/kube/logger.ts';
import { createManager } from '../../../src/kube/manager.ts';
import { noMetrics } from '../../../src/kube/metrics.ts';
import { getObject } from '../../../src/kube/objects.ts';
import { createPlaces } from '../../../src/kube/places.ts';
import type { ReflectorTuning } from '../../../src/kube/reflector.ts';
import { createTransport } from '../../../src/kube/transport.ts';
import { createPolicyReconciler } from '../../../src/policy/reconcile.ts';
import { resources } from '../../../src/policy/resources.ts';
import { createWatches } from '../../../src/policy/watches.ts';
import { createQuiesce } from '../../../src/quiesce/quiesce.ts';
import type { RestoreReconcilerOptions } from '../../../src/restore/turn.ts';
import { createRestore } from '../../../src/restore/restore.ts';
import { createRestoreWatches } from '../../../src/restore/watches.ts';

/** Waits that are cut short, so that a test need not last as long as the operator is patient. In milliseconds. */
export interface Patience {
  /** No request lasts longer. */
  readonly requestMs: number;
  /** A watch silent for longer is taken for dead. */
  readonly idleMs: (path: string) => number;
  readonly tuning?: Partial<ReflectorTuning>;
}

export interface InProcessOptions {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly patience?: Patience;
  readonly logger?: Logger;
  /** Also carries out RestoreRequests, and stops workloads for them: with what tells whether one is confirmed. */
  readonly restore?: { readonly confirm: RestoreReconcilerOptions['confirm'] };
}

/** The operator's parts as src/operator.ts puts them together, for one namespace, without a process, a port and a leader's election. */
export interface InProcessOperator {
  /** Stops and waits until it has stopped. @throws what ended it before */
  stop(): Promise<void>;
}

const patient: Patience = { requestMs: Infinity, idleMs: () => Infinity };

const withPatience = (client: KubeClient, { requestMs, idleMs }: Patience): KubeClient => ({
  request: (request) =>
    client.request({ ...request, timeLimitMs: Math.min(request.timeLimitMs ?? Infinity, requestMs, 30_000) }),
  stream: (request) => client.stream({ ...request, idleLimitMs: Math.min(request.idleLimitMs, idleMs(request.path)) }),
  close: () => client.close(),
});

const settings = (cluster: string) => ({ ...testSettings, cluster });

/** Starts it. As in a cluster, an operator that cannot start is started again. */
export const runInProcess = (options: InProcessOptions): InProcessOperator => {
  const { kubeconfig, namespace, patience = patient } = options;
  const logger = options.logger ?? createLogger({ level: process.env['HOLDFAST_TEST_LOG'] ?? 'silent' });
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const client = withPatience(createClient({ transport: createTransport(config) }), patience);
  const stop = new AbortController();
  const { signal } = stop;

  const identity = async (): Promise<string> => {
    for (;;) {
      try {
        const found = await getObject(client, resources.namespace, { name: 'kube-system' }, { signal });
        return found?.metadata.uid ?? '';
      } catch (error) {
        signal.throwIfAborted();
        logger.warn({ err: error }, 'cannot start: starting again');
        await wait(500);
      }
    }
  };

  const run = async (): Promise<void> => {
    const common = { client, logger, metrics: noMetrics };
    const scope = { ...common, namespace, ...(patience.tuning && { tuning: patience.tuning }) };
    const { caches: own, ...watches } = createWatches(scope);
    const lists = createPlaces(1);
    const restores = createRestoreWatches({ ...scope, lists });
    const caches = options.restore === undefined ? own : { ...own, restores };
    const events = createEventRecorder({ ...common, component: 'holdfast', instance: 'in-process' });
    const ofCluster = settings(await identity());
    const withRestores = ({ confirm }: NonNullable<InProcessOptions['restore']>, policies: Controller) => {
      restores.attachPolicies(policies);
      const parts = { ...common, events, clock: systemClock };
      const quiesce = createQuiesce({ ...parts, lists, scopes: [{ namespace, caches }] });
      const restore = createRestore({
        ...parts,
        confirm,
        settings: { ...ofCluster, quiesceWorkloads: true },
        scopes: [{ namespace, caches, watches: restores, held: quiesce.held[0] }],
      });
      return {
        reflectors: [...restores.reflectors, ...quiesce.reflectors],
        controllers: [restore, quiesce.controller],
      };
    };
    const policies = createController({
      name: 'backuppolicy',
      kind: resources.policy.kind,
      workers: 4,
      reconcile: createPolicyReconciler({
        client,
        cachesOf: () => caches,
        events,
        settings: ofCluster,
        clock: systemClock,
      }),
      logger,
      metrics: noMetrics,
    });
    watches.attach(policies);
    const more =
      options.restore === undefined ? { reflectors: [], controllers: [] } : withRestores(options.restore, policies);
    const manager = createManager({
      reflectors: [...watches.reflectors, ...more.reflectors],
      controllers: [policies, ...more.controllers],
      leadership: alwaysLeader,
      logger,
    });
    await manager.run(signal);
    await events.flush();
  };

  const ended = run().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  // Told by stop(); until then it is nobody's.
  ended.catch(() => undefined);
  return {
    async stop() {
      stop.abort(new Error('the test is over'));
      await ended;
      client.close();
    },
  };
};
