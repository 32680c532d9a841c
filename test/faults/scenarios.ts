import type { KubeObject } from '../../src/kube/types.ts';
import { resources } from '../../src/policy/resources.ts';
import { runKinds, type RunKind } from '../../src/api/v1alpha1/recovery-points.ts';
import { claimName, cronJobName } from '../../src/workloads/names.ts';
import { conditionOf, eventually } from '../support/operator/cluster.ts';
import { failedResultOf } from '../support/operator/runs.ts';
import type { Json } from '../support/operator/policies.ts';
import type { Stage } from './stage.ts';
import type { State } from './state.ts';
import { endJob, endPod, endPrune, losePod, runOf, startRun, succeed, type StagedRun } from './scenarios-runs.ts';

/** Something that happens to policies, to be answered the same way whenever the operator is killed. */
export interface Scenario {
  readonly name: string;
  /** What is there before, once the operator has settled. */
  readonly given: (stage: Stage) => Promise<void>;
  /** What a person or Kubernetes does. It waits for nothing of the operator, which may be down. */
  readonly change: (stage: Stage) => Promise<void>;
  /** Whatever else acts all the while: called over and over, it answers what it finds. */
  readonly world?: (stage: Stage) => Promise<void>;
  /** How many Jobs the operator makes, all in all; left out: nobody counts. */
  readonly jobs?: number;
  /** What the end state must say, so that two runs are not merely wrong in the same way. */
  readonly end: (state: State) => void;
}

const policyName = 'agama';
const cronJob = (kind: RunKind): string => cronJobName(policyName, kind);
const full = runOf('Full', '2020-01-05T02:00:00Z');
const incremental = runOf('Incremental', '2020-01-06T02:00:00Z');

const retention = { retention: { keepFor: '4w' } };

const nothing = async (): Promise<void> => {};
const policy = (stage: Stage): Promise<void> => stage.policy();

/** Runs that go on: their Jobs and pods are there. */
const running = (...runs: readonly StagedRun[]) => runningWith({}, ...runs);

const runningWith =
  (spec: Json, ...runs: readonly StagedRun[]) =>
  async (stage: Stage): Promise<void> => {
    await stage.policy({ spec });
    await eventually('the CronJobs are there', async () => (await stage.list(resources.cronJob)).length === 3);
    for (const run of runs) await startRun(stage, run);
  };

const objectOf = ({ objects }: State, key: string): KubeObject => objects[key] as KubeObject;
const policyOf = (state: State, name = policyName): KubeObject => objectOf(state, `BackupPolicy/${name}`);
const namesOf = ({ objects }: State, kind: string): string[] =>
  Object.keys(objects)
    .filter((key) => key.startsWith(`${kind}/`))
    .sort();

const expectReady = (state: State, name = policyName, reason = 'Applied'): void => {
  const object = policyOf(state, name);
  const { generation } = object.metadata;
  expect(conditionOf(object, 'Ready')).toMatchObject({ status: 'True', reason, observedGeneration: generation });
  expect(conditionOf(object, 'Stalled')).toBeUndefined();
};
const expectCronJobs = (state: State, kinds: readonly RunKind[] = runKinds, ownerUid?: string): void => {
  expect(namesOf(state, 'CronJob')).toEqual(kinds.map((kind) => `CronJob/${cronJob(kind)}`).sort());
  const uid = ownerUid ?? '<UID of BackupPolicy/agama>';
  for (const key of namesOf(state, 'CronJob')) {
    expect(objectOf(state, key).metadata.ownerReferences).toMatchObject([{ uid, controller: true }]);
  }
};
const expectClaim = (state: State): void => {
  expect(namesOf(state, 'PersistentVolumeClaim')).toEqual([`PersistentVolumeClaim/${claimName(policyName)}`]);
};
const expectApplied = (state: State, kinds?: readonly RunKind[]): void => {
  expectReady(state);
  expectCronJobs(state, kinds);
  expectClaim(state);
};
const expectSpecs = (state: State, spec: object): void => {
  for (const key of namesOf(state, 'CronJob')) expect(objectOf(state, key)).toMatchObject({ spec });
};
const fullOf = (state: State): KubeObject => objectOf(state, `CronJob/${cronJob('Full')}`);

const removeClaim = async (stage: Stage): Promise<void> => {
  const name = claimName(policyName);
  await stage.remove(resources.claim, name);
  // The controller that holds a claim until no pod uses it does not run here.
  await stage.patch(resources.claim, name, { metadata: { finalizers: null } });
};
const removeCronJobs = async (stage: Stage): Promise<void> => {
  for (const kind of runKinds) await stage.remove(resources.cronJob, cronJob(kind));
};
const orphanCronJobs = async (stage: Stage): Promise<void> => {
  for (const kind of runKinds) {
    await stage.patch(resources.cronJob, cronJob(kind), { metadata: { ownerReferences: null } });
  }
};

export const scenarios: readonly Scenario[] = [
  { name: 'a policy is created', given: nothing, change: policy, end: expectApplied },
  {
    name: 'two policies are created at once',
    given: nothing,
    change: async (stage) => {
      await Promise.all([stage.policy(), stage.policy({ name: 'telegraf' })]);
    },
    end: (state) => {
      expectReady(state);
      expectReady(state, 'telegraf');
      expect(namesOf(state, 'CronJob')).toHaveLength(6);
      expect(namesOf(state, 'PersistentVolumeClaim')).toHaveLength(2);
    },
  },
  {
    name: 'a schedule is changed',
    given: policy,
    change: (stage) => stage.policy({ spec: { schedule: { full: '35 2 * * 3' } } }),
    end: (state) => {
      expectApplied(state);
      expect(fullOf(state)).toMatchObject({ spec: { schedule: '35 2 * * 3' } });
    },
  },
  {
    name: 'all CronJobs change',
    given: policy,
    change: (stage) => stage.policy({ spec: { source: { mysql: { host: 'other.example.com' } } } }),
    end: (state) => {
      expectApplied(state);
      for (const key of namesOf(state, 'CronJob')) {
        expect(JSON.stringify(objectOf(state, key))).toContain('other.example.com');
      }
    },
  },
  {
    name: 'the incremental is taken out',
    given: policy,
    change: (stage) => stage.policy({ spec: { schedule: { incremental: undefined } } }),
    end: (state) => expectApplied(state, ['LocalCopy', 'Full']),
  },
  {
    name: 'a policy is suspended',
    given: policy,
    change: (stage) => stage.policy({ spec: { suspend: true } }),
    end: (state) => {
      expectReady(state, policyName, 'Suspended');
      expectCronJobs(state);
      expectSpecs(state, { suspend: true });
      expect(policyOf(state)['status']).not.toHaveProperty('nextRunTime');
    },
  },
  {
    name: 'a policy is resumed',
    given: (stage) => stage.policy({ spec: { suspend: true } }),
    change: (stage) => stage.policy({ spec: { suspend: false } }),
    end: (state) => {
      expectApplied(state);
      expectSpecs(state, { suspend: false });
      expect(policyOf(state)['status']).toHaveProperty('nextRunTime');
    },
  },
  {
    name: 'a policy is deleted: its CronJobs are the garbage collector’s, by their owner',
    given: policy,
    change: (stage) => stage.remove(resources.policy, policyName),
    end: (state) => {
      expect(namesOf(state, 'BackupPolicy')).toEqual([]);
      expectCronJobs(state, runKinds, '<UID of another>');
      expectClaim(state);
    },
  },
  {
    name: 'a policy is deleted, and the garbage collector takes its CronJobs',
    given: policy,
    change: async (stage) => {
      await stage.remove(resources.policy, policyName);
      await removeCronJobs(stage);
    },
    end: (state) => {
      expect(namesOf(state, 'BackupPolicy')).toEqual([]);
      expect(namesOf(state, 'CronJob')).toEqual([]);
      expectClaim(state);
    },
  },
  {
    name: 'a policy is deleted in the foreground: what the garbage collector takes is not made again',
    given: policy,
    change: async (stage) => {
      await stage.remove(resources.policy, policyName, 'Foreground');
      await removeCronJobs(stage);
    },
    end: (state) => {
      expect(policyOf(state).metadata.deletionTimestamp).toBeDefined();
      expect(namesOf(state, 'CronJob')).toEqual([]);
      expectClaim(state);
    },
  },
  {
    name: 'a policy is deleted and made anew before its CronJobs are gone',
    given: policy,
    change: async (stage) => {
      await stage.remove(resources.policy, policyName);
      await stage.policy();
    },
    end: expectApplied,
  },
  {
    name: 'a policy is deleted without its CronJobs, and made anew',
    given: policy,
    change: async (stage) => {
      await stage.remove(resources.policy, policyName);
      await orphanCronJobs(stage);
      await stage.policy();
    },
    end: expectApplied,
  },
  {
    name: 'a run succeeds',
    given: running(full),
    change: (stage) => succeed(stage, full),
    end: (state) => {
      expectApplied(state);
      expect(conditionOf(policyOf(state), 'LastBackupSucceeded')).toMatchObject({ status: 'True' });
      expect(policyOf(state)).toMatchObject({
        status: { lastFull: { jobName: 'agama-full-1' }, lastRuns: [{ kind: 'Full', outcome: 'Succeeded' }] },
      });
    },
  },
  {
    name: 'a full succeeds under retention: one Job that prunes is made',
    given: runningWith(retention, full),
    change: (stage) => succeed(stage, full),
    end: (state) => {
      expectApplied(state);
      expect(namesOf(state, 'Job')).toEqual(['Job/agama-full-1', 'Job/agama-prune-<hash>-0']);
      const { ownerReferences } = objectOf(state, 'Job/agama-prune-<hash>-0').metadata;
      expect(ownerReferences).toMatchObject([{ uid: '<UID of BackupPolicy/agama>', controller: true }]);
      expect(conditionOf(policyOf(state), 'RetentionKept')).toMatchObject({ status: 'Unknown', reason: 'NotPruned' });
    },
  },
  {
    name: 'a prune succeeds: it is not made again',
    given: async (stage) => {
      await runningWith(retention, full)(stage);
      await succeed(stage, full);
      await eventually('the prune', async () => (await stage.list(resources.job)).length === 2);
    },
    change: endPrune,
    end: (state) => {
      expectApplied(state);
      expect(namesOf(state, 'Job')).toEqual(['Job/agama-full-1', 'Job/agama-prune-<hash>-0']);
      expect(conditionOf(policyOf(state), 'RetentionKept')).toMatchObject({ status: 'True', reason: 'Listed' });
      expect(policyOf(state)).toMatchObject({ status: { retention: { removed: 1, chains: 4 } } });
    },
  },
  {
    name: 'a run fails',
    given: running(full),
    change: async (stage) => {
      const dump = { name: 'dump', exitCode: 1, message: JSON.stringify(failedResultOf('dump', full)) };
      await endPod(stage, full, [dump, { name: 'ship', exitCode: 1 }], 'Failed');
      await endJob(stage, full, 'Failed');
    },
    end: (state) => {
      expectApplied(state);
      const reason = 'AccessDenied';
      expect(conditionOf(policyOf(state), 'LastBackupSucceeded')).toMatchObject({ status: 'False', reason });
      expect(policyOf(state)).toMatchObject({ status: { lastFailure: { jobName: 'agama-full-1', reason } } });
    },
  },
  {
    name: 'a run is lost with its pod',
    given: running(full),
    change: async (stage) => {
      await losePod(stage, full);
      await endJob(stage, full, 'Failed');
    },
    end: (state) => {
      const reason = 'PodLost';
      expect(conditionOf(policyOf(state), 'LastBackupSucceeded')).toMatchObject({ status: 'False', reason });
      expect(policyOf(state)['status']).not.toHaveProperty('lastFull');
    },
  },
  {
    name: 'a full restarts the chain, and an incremental continues it',
    given: running(full, incremental),
    change: async (stage) => {
      await succeed(stage, full);
      await succeed(stage, incremental);
    },
    end: (state) => {
      expect(policyOf(state)).toMatchObject({
        status: {
          lastFull: { jobName: 'agama-full-1' },
          lastIncremental: { jobName: 'agama-incremental-1' },
          chain: { intact: true, checkedTime: '2020-01-06T01:59:40Z' },
        },
      });
    },
  },
  {
    name: 'a CronJob is edited by hand',
    given: policy,
    change: (stage) => stage.patch(resources.cronJob, cronJob('Full'), { spec: { schedule: '* * * * *' } }),
    end: (state) => {
      expectApplied(state);
      expect(fullOf(state)).toMatchObject({ spec: { schedule: '5 1 * * 0' } });
    },
  },
  {
    name: 'a CronJob is deleted by hand',
    given: policy,
    change: (stage) => stage.remove(resources.cronJob, cronJob('Full')),
    end: expectApplied,
  },
  {
    name: 'the claim is deleted by hand',
    given: policy,
    change: removeClaim,
    end: (state) => {
      expectApplied(state);
      const claim = objectOf(state, `PersistentVolumeClaim/${claimName(policyName)}`);
      expect(claim.metadata.deletionTimestamp).toBeUndefined();
    },
  },
  {
    name: 'a policy gets a problem: its CronJobs stay as they are',
    given: policy,
    change: (stage) => stage.policy({ spec: { schedule: { full: '5 1 * * 5-2' }, suspend: true } }),
    end: (state) => {
      expect(conditionOf(policyOf(state), 'Stalled')).toMatchObject({ status: 'True', reason: 'ScheduleInvalid' });
      expectCronJobs(state);
      expectSpecs(state, { suspend: false });
      expect(fullOf(state)).toMatchObject({ spec: { schedule: '5 1 * * 0' } });
    },
  },
  {
    name: 'a policy with a problem from its beginning is mended',
    given: (stage) => stage.policy({ spec: { podTemplate: {} } }),
    change: policy,
    end: expectApplied,
  },
];
