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

/** A restore that loaded and compared all tells how long one takes. */
export const measuredRestores = (last: BackupPolicyStatus['lastRestore']): MeasuredRestore[] =>
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
        },
      ]
    : [];
