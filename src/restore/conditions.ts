import type { PolicyPlan, RestoreRequestStatus } from '../api/v1alpha1/restorerequest.ts';
import { nextConditions, storedConditions, type StatedCondition } from '../kube/conditions.ts';
import type { ObservedRequest } from './observed.ts';
import type { Stage } from './stage.ts';
import { isFinished } from './views.ts';

type Stated = Omit<StatedCondition, 'observedGeneration'>;

const dataWords = ({ set, copy }: PolicyPlan): string =>
  set === undefined ? `the safety copy of ${copy?.setAsideTime ?? 'before'}` : `data of ${set.dataTime}`;

const planned = ({ plan, failure, phase }: Stage['status']): Stated => {
  const type = 'Planned';
  if (plan !== undefined) {
    const sets = plan.policies.map((each) => `${each.policy}: ${dataWords(each)}`).join('; ');
    return { type, status: 'True', reason: 'Planned', message: `${sets}.` };
  }
  if (phase === 'Failed' && failure !== undefined)
    return { type, status: 'False', reason: failure.reason, message: failure.message };
  return {
    type,
    status: 'Unknown',
    reason: 'Planning',
    message: 'The backups are looked for, and the destination is looked at.',
  };
};

const confirmed = ({ plan, confirmation, phase }: Stage['status']): Stated => {
  const type = 'Confirmed';
  if (confirmation !== undefined)
    return {
      type,
      status: 'True',
      reason: 'Confirmed',
      message: `${confirmation.confirmedBy} confirmed the plan at ${confirmation.time}.`,
    };
  if (plan?.confirmation === 'None')
    return {
      type,
      status: 'True',
      reason: 'NotNeeded',
      message: 'Neither the policies nor the destination ask for a confirmation.',
    };
  if (phase === 'Expired')
    return { type, status: 'False', reason: 'Lapsed', message: 'Nobody confirmed the plan in time.' };
  return { type, status: 'Unknown', reason: 'NotConfirmed', message: 'Nobody has confirmed the plan so far.' };
};

/** What is proven of all that was restored: the least that is of any. */
const proofOf = ({
  policies = [],
}: Stage['status']): 'Compared' | 'ComparedWithCopy' | 'FilesWhole' | 'FactsUnknown' => {
  const proofs = new Set(policies.map(({ proof }) => proof));
  if (policies.length === 0 || proofs.has(undefined) || proofs.has('PartlyUnknown')) return 'FactsUnknown';
  if (proofs.has('EqualToCopy')) return 'ComparedWithCopy';
  return proofs.has('FilesWhole') ? 'FilesWhole' : 'Compared';
};

/** A request that came to its end. What is not proven is Unknown, wherever the data is. */
const ended = (type: 'Ready' | 'Restored', status: Stage['status']): Stated => {
  const reason = proofOf(status);
  const message = status.message ?? '';
  return { type, status: reason === 'FactsUnknown' ? 'Unknown' : 'True', reason, message };
};

const restored = (status: Stage['status']): Stated => {
  const { phase, failure } = status;
  const type = 'Restored';
  if (phase === 'Completed') return ended(type, status);
  if (failure !== undefined) return { type, status: 'False', reason: failure.reason, message: failure.message };
  return { type, status: 'Unknown', reason: phase ?? 'Pending', message: 'Nothing is proven before all is compared.' };
};

const kstatus = ({ status, stalled }: Stage): Stated[] => {
  const { phase, failure, message = '' } = status;
  if (phase === 'Completed') return [ended('Ready', status)];
  // A part may have failed while others go on: that is what is said of the restore, and it is not the end.
  const cause = stalled ?? (isFinished(status) ? failure : undefined);
  const ready: Stated = {
    type: 'Ready',
    status: 'False',
    reason: cause?.reason ?? phase ?? 'Pending',
    message: cause?.message ?? message,
  };
  if (cause !== undefined)
    return [ready, { type: 'Stalled', status: 'True', reason: cause.reason, message: cause.message }];
  return isFinished(status)
    ? [ready]
    : [ready, { type: 'Reconciling', status: 'True', reason: phase ?? 'Pending', message }];
};

/** The whole status of a request after a reconcile. Pure. */
export const statusOf = ({ request }: ObservedRequest, stage: Stage, now: Date): RestoreRequestStatus => {
  const observedGeneration = request.metadata.generation;
  const { status } = stage;
  const stated = [planned(status), confirmed(status), restored(status), ...kstatus(stage)];
  const conditions = nextConditions(
    storedConditions(request.status.conditions),
    stated.map((each) => ({ ...each, observedGeneration })),
    now,
  );
  return { observedGeneration, conditions, ...status };
};
