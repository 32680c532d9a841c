import type { BackupPolicyStatus, ObjectMeta } from '../api/v1alpha1/backuppolicy.ts';
import type { KubeClient } from '../kube/client.ts';
import { listAll } from '../kube/list.ts';
import type { Cache } from './cache.ts';
import { managedSelector, policyLabel } from '../workloads/labels.ts';
import { policyLabelValue } from '../workloads/names.ts';
import { isGuess } from './guesses.ts';
import { newReports } from './history.ts';
import { resources } from './resources.ts';
import type { Runs } from './run-reports.ts';
import type { PodView } from './views.ts';

/** Whether a run would be reported, for the first time, as ended without a word of its own. Pure. */
export const isInDoubt = (status: BackupPolicyStatus, runs: Runs): boolean =>
  newReports(status, runs).some(({ failure }) => isGuess(failure?.reason));

interface Look {
  client: KubeClient;
  pods: Pick<Cache<PodView>, 'remember'>;
  signal: AbortSignal;
}

/**
 * Asks the API server for the pods of a policy: their watch may be behind that of the Jobs, and "the pod is gone" would then be a false alarm.
 * @throws {ApiError} @throws {TransportError} nothing is reported then
 */
export const lookForPods = async ({ namespace, name }: ObjectMeta, { client, pods, signal }: Look): Promise<void> => {
  const labelSelector = `${managedSelector},${policyLabel}=${policyLabelValue(name)}`;
  const options = { client, type: resources.pod, namespace, labelSelector, pageSize: 100, signal };
  await listAll({ ...options, keep: (pod) => pods.remember(pod) });
};
