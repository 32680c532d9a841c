import { parseGate } from '../api/v1alpha1/gate.ts';
import { durationSeconds } from '../api/v1alpha1/duration.ts';
import type { DeepReadonly } from '../base/types.ts';
import { ownJobs, type Observed } from '../policy/observed.ts';
import { resultsOf } from '../policy/results.ts';
import type { PodView } from '../policy/views.ts';
import type { Holder } from './hold.ts';
import type { Asker } from './plan.ts';

/** The agent stops at its deadline; after this much longer it is over, whatever the API server still shows of a lost node. */
const graceSeconds = 60;

/** What a policy is called as a holder. */
export const holderName = (policyName: string): string => `BackupPolicy/${policyName}`;

/** For these workloads are down: of a dump while it is made, of a restore until what took the place of the data was compared. */
const heldFor = ['dump', 'swap', 'check'];

/** Whether a pod may still need them down. One of a restore that is told to end may be in the midst of replacing data: only its end counts. */
const needsHold = ({ phase, deleting, gate, containers, restoreKey }: DeepReadonly<PodView>): boolean =>
  (!deleting || restoreKey !== undefined) &&
  (phase === 'Pending' || phase === 'Running') &&
  parseGate(gate)?.state !== 'Refused' &&
  containers.some(({ name, ended }) => heldFor.includes(name) && ended === undefined);

/** Whether a holder still needs what it holds. */
export const isActive = (holder: Holder, pods: readonly DeepReadonly<PodView>[], now: Date): boolean =>
  now.getTime() < Date.parse(holder.until) && pods.some((pod) => pod.uid === holder.uid && needsHold(pod));

/**
 * The pods of a policy whose dump container waits for its workloads to be down, or dumps while they are. A pod whose first container has
 * found that no dump is needed asks for nothing.
 */
export const askersOf = (observed: Observed, now: Date): Asker[] => {
  const { policy, pods } = observed;
  const workloads = policy.spec?.quiesce?.workloads;
  if (policy.spec === undefined || workloads === undefined || policy.metadata.deletionTimestamp !== undefined)
    return [];
  const seconds = durationSeconds(policy.spec.deadlines.localCopy) + graceSeconds;
  const running = ownJobs(observed).filter(({ end }) => end === undefined);
  return running.flatMap((job) =>
    pods
      .filter((pod) => pod.jobUids.includes(job.uid) && needsHold(pod))
      .flatMap((pod) => {
        const since = pod.containers.find(({ name }) => name === 'dump')?.runningSince;
        const decided = resultsOf(job.kind, pod, now).find(({ container }) => container.name === 'decide');
        if (since === undefined || (decided !== undefined && decided.result?.dumps !== true)) return [];
        const until = new Date(Date.parse(since) + seconds * 1000);
        if (!(now.getTime() < until.getTime())) return [];
        const asker: Asker = {
          for: holderName(policy.metadata.name),
          pod: pod.name,
          uid: pod.uid,
          container: 'dump',
          until,
          workloads,
          gate: parseGate(pod.gate),
        };
        return [asker];
      }),
  );
};
