import type { BackupPolicyStatus, LastRestore } from '../api/v1alpha1/backuppolicy.ts';
import type { DeepReadonly } from '../base/types.ts';
import { isFinished, type RequestView } from '../restore/views.ts';
import type { MeasuredRestore } from '../sla/recovery-time.ts';

/** What a policy remembers of the requests that name it. */

type Requests = readonly DeepReadonly<RequestView>[];

const restoreIn = ({ metadata, status }: DeepReadonly<RequestView>, policyName: string): LastRestore | undefined => {
  const part = status.policies?.find(({ policy }) => policy === policyName);
  if (!isFinished(status) || status.completionTime === undefined || part?.outcome === undefined) return undefined;
  const planned = status.plan?.policies.find(({ policy }) => policy === policyName);
  const dataTime = planned?.set?.dataTime ?? planned?.copy?.setAsideTime;
  const { outcome, state, proof, jobName, measuredSeconds, sourceBytes } = part;
  return {
    request: metadata.name,
    completionTime: status.completionTime,
    outcome,
    ...(dataTime !== undefined && { dataTime }),
    ...(state !== undefined && { state }),
    ...(proof !== undefined && { proof }),
    ...(jobName !== undefined && { jobName }),
    ...(measuredSeconds !== undefined && { measuredSeconds }),
    ...(sourceBytes !== undefined && { sourceBytes }),
    ...(planned?.set?.source !== undefined && { source: planned.set.source }),
  };
};

/** The newest that was finished; what status has stays when its request is gone. Pure. */
export const lastRestoreOf = (
  previous: BackupPolicyStatus['lastRestore'],
  requests: Requests,
  policyName: string,
): LastRestore | undefined =>
  requests
    .flatMap((request) => restoreIn(request, policyName) ?? [])
    .reduce<LastRestore | undefined>(
      (newest, each) =>
        newest === undefined || Date.parse(each.completionTime) > Date.parse(newest.completionTime) ? each : newest,
      previous,
    );

/** A restore that loaded and compared all tells how long one takes; one from a repository that is no longer named tells nothing of this one. */
export const measuredRestores = ({
  lastRestore: last,
  storedIn,
}: Pick<BackupPolicyStatus, 'lastRestore' | 'storedIn'>): MeasuredRestore[] =>
  (storedIn?.since === undefined || Date.parse(last?.completionTime ?? '') > Date.parse(storedIn.since)) &&
  last?.outcome === 'Completed' &&
  last.proof === 'Equal' &&
  last.measuredSeconds !== undefined &&
  last.sourceBytes !== undefined &&
  last.jobName !== undefined
    ? [
        {
          seconds: last.measuredSeconds,
          sourceBytes: last.sourceBytes,
          time: last.completionTime,
          jobName: last.jobName,
          source: last.source,
        },
      ]
    : [];
