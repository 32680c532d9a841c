import type { KubeClient } from '../../../src/kube/client.ts';
import { isNotFound } from '../../../src/kube/errors.ts';
import { resourcePath } from '../../../src/kube/path.ts';
import { isRecord, keyOf, type KubeObject, type ResourceType } from '../../../src/kube/types.ts';
import { resources } from '../../../src/policy/resources.ts';
import { cronJobName } from '../../../src/workloads/names.ts';
import type { PolicyName } from '../operator/policies.ts';
import { playRun } from '../operator/runs.ts';

/** Those who work with the cluster while the operator is troubled. */
export interface People {
  /** One thing that somebody does; the seed gives which. */
  act(): Promise<void>;
  /** How often each was done. */
  readonly done: ReadonlyMap<string, number>;
  /** The runs that came to their end: the policy's key to the Job's name. */
  readonly runs: ReadonlyMap<string, string>;
}

interface Spec {
  schedule: { localCopy: string };
  suspend: boolean;
}

const kinds = ['LocalCopy', 'Full', 'Incremental'] as const;

/** The same line a minute later. */
const aMinuteLater = (line: string): string => line.replace(/^\d+/, (minute) => String((Number(minute) + 1) % 60));

/** @throws RangeError there is none */
const pick = <T>(items: readonly T[], random: () => number): T => {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new RangeError('nothing to choose from');
  return item;
};

/** People who go to the API server themselves, past all faults. */
export const createPeople = (client: KubeClient, policies: readonly PolicyName[], random: () => number): People => {
  const done = new Map<string, number>();
  const runs = new Map<string, string>();
  /** Policies that are not as they were made, with what they were: the first is the next to be changed back. */
  const changed = new Map<string, { policy: PolicyName; was: Spec }>();

  const patch = (type: ResourceType, name: PolicyName, spec: object): Promise<unknown> =>
    client.request({
      method: 'PATCH',
      path: resourcePath({ type, ...name }),
      contentType: 'application/merge-patch+json',
      body: { spec },
    });
  const specOf = async (policy: PolicyName): Promise<Spec> => {
    const path = resourcePath({ type: resources.policy, ...policy });
    const { spec } = (await client.request({ method: 'GET', path })) as KubeObject;
    const { schedule, suspend = false } = spec as Partial<Spec>;
    return { schedule: { localCopy: schedule?.localCopy ?? '' }, suspend };
  };
  const someCronJob = ({ namespace, name }: PolicyName): PolicyName => ({
    namespace,
    name: cronJobName(name, pick(kinds, random)),
  });

  const changePolicy = async (): Promise<string> => {
    const [first] = changed.values();
    const policy = first !== undefined && random() < 0.5 ? first.policy : pick(policies, random);
    const before = changed.get(keyOf(policy));
    if (before !== undefined) {
      await patch(resources.policy, policy, before.was);
      changed.delete(keyOf(policy));
      return 'policy changed back';
    }
    const was = await specOf(policy);
    const isSuspend = random() < 0.5;
    const { localCopy } = was.schedule;
    const to = isSuspend ? { suspend: !was.suspend } : { schedule: { localCopy: aMinuteLater(localCopy) } };
    await patch(resources.policy, policy, to);
    changed.set(keyOf(policy), { policy, was });
    return isSuspend ? 'policy suspended' : 'minute changed';
  };
  const editCronJob = async (): Promise<string> => {
    const to = random() < 0.5 ? { suspend: true } : { schedule: '0 0 1 1 *' };
    await patch(resources.cronJob, someCronJob(pick(policies, random)), to);
    return 'CronJob edited';
  };
  const withoutRun = (): PolicyName[] => policies.filter((policy) => !runs.has(keyOf(policy)));
  const deleteCronJob = async (): Promise<string> => {
    // With a CronJob its Jobs go, and nobody could say afterwards what their policy should tell of.
    const path = resourcePath({ type: resources.cronJob, ...someCronJob(pick(withoutRun(), random)) });
    await client.request({ method: 'DELETE', path });
    return 'CronJob deleted';
  };
  const playOneRun = async (): Promise<string> => {
    const policy = pick(withoutRun(), random);
    const jobName = `soak-run-${runs.size}`;
    await playRun(client, policy, jobName);
    runs.set(keyOf(policy), jobName);
    return 'run played';
  };

  const choose = (): (() => Promise<string>) => {
    const at = random();
    if (at < 0.8 || withoutRun().length === 0) return changePolicy;
    if (at < 0.87) return editCronJob;
    return at < 0.94 ? deleteCronJob : playOneRun;
  };
  const count = (what: string): void => void done.set(what, (done.get(what) ?? 0) + 1);

  return {
    done,
    runs,
    async act() {
      try {
        count(await choose()());
      } catch (error) {
        // The operator has not made anew yet what somebody deleted.
        if (!isNotFound(error)) throw error;
        count('nothing: it was not there');
      }
    },
  };
};

/** Whether the status of a policy tells of a run. */
export const tellsOf = (status: unknown, jobName: string): boolean =>
  isRecord(status) &&
  Array.isArray(status['lastRuns']) &&
  status['lastRuns'].some((run) => isRecord(run) && run['jobName'] === jobName);
