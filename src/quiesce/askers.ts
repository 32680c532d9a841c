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

/** Whether the dump container of a pod may still dump. */
const mayDump = ({ phase, deleting, gate, containers }: DeepReadonly<PodView>): boolean =>
  !deleting &&
  (phase === 'Pending' || phase === 'Running') &&
  parseGate(gate)?.state !== 'Refused' &&
  containers.some(({ name, ended }) => name === 'dump' && ended === undefined);

/** Whether a holder still needs what it holds. */
export const isActive = (holder: Holder, pods: readonly DeepReadonly<PodView>[], now: Date): boolean =>
  now.getTime() < Date.parse(holder.until) && pods.some((pod) => pod.uid === holder.uid && mayDump(pod));

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
      .filter((pod) => pod.jobUids.includes(job.uid) && mayDump(pod))
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
          until,
          workloads,
          gate: parseGate(pod.gate),
        };
        return [asker];
      }),
  );
};
