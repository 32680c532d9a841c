import { setTimeout as wait } from 'node:timers/promises';
import { isRecord, type KubeObject, type Manifest } from '../../src/kube/types.ts';
import { resources } from '../../src/policy/resources.ts';
import { workloadTypes } from '../../src/quiesce/workload.ts';
import { restoreStageLabel } from '../../src/workloads/labels.ts';
import type { RestoreStage } from '../../src/workloads/restore-stage.ts';
import { conditionOf, eventually } from '../support/operator/cluster.ts';
import { overlay, type Json } from '../support/operator/policies.ts';
import { goodRestore, requestManifest, type Said } from '../support/operator/restores.ts';
import { application, free, stateOf as workloadState } from '../support/operator/workloads.ts';
import { person, worldOf, writePod } from './restore-world.ts';
import type { Scenario } from './scenarios.ts';
import { isObserved, type Stage } from './stage.ts';
import type { State } from './state.ts';

// No time of these comes while they are played.
const schedule = { localCopy: '0 0 1 1 *', full: '5 0 1 1 *', incremental: undefined };
const workloads = [
  { kind: 'Deployment', name: 'shop' },
  { kind: 'CronJob', name: 'shop-mail' },
];
const restoring: Json = {
  schedule,
  encryption: { gpg: { privateKeySecretRef: { name: 'backup-key-private' } } },
  restore: { workloads },
};

/** Policies, and the applications that their restore stops. */
const services =
  (spec: Json = {}, ...more: string[]) =>
  async (stage: Stage): Promise<void> => {
    const { namespace } = stage;
    const shop = application('Deployment', { namespace, name: 'shop', replicas: 2 });
    const mail = application('CronJob', { namespace, name: 'shop-mail', replicas: 1 });
    await stage.create(workloadTypes.Deployment, shop as Manifest);
    await stage.create(workloadTypes.CronJob, mail as Manifest);
    for (const name of ['agama', ...more]) await stage.policy({ name, spec: overlay(restoring, spec) });
  };

const ask =
  (spec: Json = {}) =>
  async (stage: Stage): Promise<void> => {
    const { namespace } = stage;
    await stage.create(
      resources.restoreRequest,
      requestManifest({ namespace, spec: { requestedBy: person, ...spec } }),
    );
  };

const podsOf = async (stage: Stage, does: RestoreStage): Promise<KubeObject[]> =>
  (await stage.list(resources.pod)).filter(({ metadata }) => metadata.labels?.[restoreStageLabel] === does);

const podThat = async (stage: Stage): Promise<KubeObject> => {
  const [pod] = await podsOf(stage, 'restore');
  if (pod === undefined) throw new Error('there is no pod that restores');
  return pod;
};

/** Status knows that it loads, or that its workloads are down and its pod was told so. */
const reached = { Load: 'Running', StopWorkloads: 'Succeeded' } as const;

/** A request whose restore has come as far as its world goes. */
const restoresUntil =
  (step: keyof typeof reached, spec: Json = {}, ofPolicy: Json = {}) =>
  async (stage: Stage): Promise<void> => {
    await services(ofPolicy)(stage);
    // Else its first word may be that there is no such policy, as of now and then.
    await eventually('the policy is observed', () => isObserved(stage), 45_000);
    await ask(spec)(stage);
    const isThere = async (): Promise<boolean> => {
      const { status } = await stage.get(resources.restoreRequest, 'orders-lost');
      const steps = isRecord(status) && Array.isArray(status['steps']) ? status['steps'].filter(isRecord) : [];
      return steps.some(({ name, state }) => name === step && state === reached[step]);
    };
    await eventually(`the restore is at ${step}`, isThere, 45_000);
  };

const failure = { step: 'Load', reason: 'ContentDiffers', message: 'Table orders has 3 rows less.' } as const;
const failed: Said = { container: 'load', failure, restore: { state: 'Untouched' } };

const cancel = (stage: Stage): Promise<void> =>
  stage.patch(resources.restoreRequest, 'orders-lost', { spec: { cancel: true } });

const objectOf = ({ objects }: State, key: string): KubeObject => objects[key] as KubeObject;
const keysOf = ({ objects }: State, start: string): string[] =>
  Object.keys(objects).filter((key) => key.startsWith(start));
const requestOf = (state: State): KubeObject => objectOf(state, 'RestoreRequest/orders-lost');
const jobKey = (stage: RestoreStage): string => `Job/orders-lost-${stage}-<hash> of agama`;

/** The workloads are as they were, and were stopped so often: each stop and each start is a generation. */
const expectBack = (state: State, stops: number): void => {
  const shop = objectOf(state, 'Deployment/shop');
  expect(workloadState(shop)).toMatchObject(free(2));
  expect(workloadState(objectOf(state, 'CronJob/shop-mail'))).toMatchObject(free(1));
  expect(objectOf(state, 'CronJob/shop-mail').metadata.generation).toBe(1 + 2 * stops);
};

/** How the request has ended; nothing holds it or its Jobs any more. */
const expectEnded = (state: State, status: object, jobs: readonly RestoreStage[] = ['plan', 'restore']): void => {
  const request = requestOf(state);
  expect(request).toMatchObject({ status });
  expect(keysOf(state, 'Job/')).toEqual(jobs.map(jobKey));
  for (const object of [request, ...jobs.map((stage) => objectOf(state, jobKey(stage)))])
    expect(object.metadata.finalizers).toBeUndefined();
};

const expectGone = (state: State): void => {
  for (const start of ['RestoreRequest/', 'Job/', 'Pod/']) expect(keysOf(state, start)).toEqual([]);
};

/** What is played once for each write of a restore. */
export const restoreScenarios: readonly Scenario[] = [
  {
    name: 'a restore in place, with a Deployment and a CronJob around it',
    given: services(),
    change: ask(),
    world: worldOf('end'),
    jobs: 2,
    end: (state) => {
      expectEnded(state, {
        phase: 'Completed',
        confirmation: { confirmedBy: person },
        policies: [{ policy: 'agama', outcome: 'Completed', state: 'Replaced', proof: 'Equal' }],
      });
      expectBack(state, 1);
      const policy = objectOf(state, 'BackupPolicy/agama');
      expect(policy).toMatchObject({ status: { lastRestore: { request: 'orders-lost', outcome: 'Completed' } } });
    },
  },
  {
    name: 'what is loaded differs: nothing is stopped or replaced',
    given: restoresUntil('Load'),
    change: async (stage) => {
      const said = [goodRestore[0] ?? failed, failed];
      await writePod(stage, await podThat(stage), said, 'Failed');
    },
    world: worldOf('load'),
    jobs: 2,
    end: (state) => {
      const { reason } = failure;
      expectEnded(state, { phase: 'Failed', failure: { reason }, policies: [{ state: 'Untouched' }] });
      expectBack(state, 0);
    },
  },
  {
    name: 'the pod is lost while it replaces: nobody knows what is there, and the workloads are put back',
    given: restoresUntil('StopWorkloads'),
    change: async (stage) => stage.remove(resources.pod, (await podThat(stage)).metadata.name),
    world: worldOf('swap'),
    jobs: 2,
    end: (state) => {
      const reason = 'RestoreInterrupted';
      expectEnded(state, { phase: 'Failed', failure: { reason }, policies: [{ state: 'Unavailable' }] });
      expectBack(state, 1);
    },
  },
  {
    name: 'cancelled while it loads: what it had loaded is removed',
    given: restoresUntil('Load'),
    change: cancel,
    world: worldOf('load'),
    jobs: 3,
    end: (state) => {
      // Its Job went with its pod, once status had the end.
      const policies = [{ state: 'Untouched', loaded: 'Discarded' }];
      expectEnded(state, { phase: 'Cancelled', policies }, ['clean', 'plan']);
      expectBack(state, 0);
    },
  },
  {
    name: 'the request is deleted while it loads: it goes once what it had loaded is removed',
    given: restoresUntil('Load'),
    change: (stage) => stage.remove(resources.restoreRequest, 'orders-lost'),
    world: worldOf('load'),
    jobs: 3,
    end: (state) => {
      expectGone(state);
      expectBack(state, 0);
    },
  },
  {
    name: 'the request is deleted while it replaces: it ends first, and the workloads are put back',
    given: restoresUntil('StopWorkloads'),
    change: async (stage) => {
      await stage.remove(resources.restoreRequest, 'orders-lost');
      await wait(2000);
      // It is held for as long as its pod may replace data.
      const { metadata } = await stage.get(resources.restoreRequest, 'orders-lost');
      expect(metadata.deletionTimestamp).toBeDefined();
      await writePod(stage, await podThat(stage), goodRestore, 'Succeeded');
    },
    world: worldOf('swap'),
    jobs: 2,
    end: (state) => {
      expectGone(state);
      expectBack(state, 1);
    },
  },
  {
    name: 'two policies in one request, side by side',
    given: services({}, 'telegraf'),
    change: ask({
      policyRefs: [{ name: 'agama' }, { name: 'telegraf' }],
      destination: { inPlace: undefined, newDatabase: { name: 'before' } },
    }),
    world: worldOf('end'),
    jobs: 4,
    end: (state) => {
      const policies = ['agama', 'telegraf'].map((policy) => ({ policy, outcome: 'Completed', proof: 'Equal' }));
      expect(requestOf(state)).toMatchObject({ status: { phase: 'Completed', policies } });
      expectBack(state, 0);
    },
  },
  {
    name: 'a sandbox is shown for a while',
    given: services(),
    change: ask({ destination: { inPlace: undefined, sandbox: { keepFor: '1h' } } }),
    world: worldOf('end'),
    jobs: 2,
    end: (state) => {
      expectEnded(state, { phase: 'Completed', policies: [{ outcome: 'Completed', proof: 'Equal' }] });
      expect(conditionOf(objectOf(state, jobKey('restore')), 'Complete')).toMatchObject({ status: 'True' });
      expect(requestOf(state)).not.toMatchObject({ status: { confirmation: {} } });
      expectBack(state, 0);
    },
  },
  {
    name: 'the time of the request is over: it stays until that of its safety copy is, and that is removed first',
    given: restoresUntil('StopWorkloads', { ttlAfterFinished: '1s' }, { restore: { keepSafetyCopyFor: '4s' } }),
    change: async (stage) => {
      await writePod(stage, await podThat(stage), goodRestore, 'Succeeded');
    },
    world: worldOf('swap'),
    jobs: 3,
    end: (state) => {
      expectGone(state);
      expectBack(state, 1);
      const policy = objectOf(state, 'BackupPolicy/agama');
      expect(policy).toMatchObject({ status: { lastRestore: { request: 'orders-lost', outcome: 'Completed' } } });
    },
  },
];
