import type { RestoreRequestStatus } from '../api/v1alpha1/restorerequest.ts';
import type { EventNote } from '../kube/events.ts';

const warning = ['Failed', 'Expired'] as const satisfies readonly RestoreRequestStatus['phase'][];

/** One Event for each phase that a request comes to, and for each confirmation that does not count. Pure. */
export const requestEvents = (before: RestoreRequestStatus, next: RestoreRequestStatus): EventNote[] => {
  const { phase, message = '' } = next;
  const known = new Set((before.refused ?? []).map(({ name, reason }) => `${name} ${reason}`));
  const refused = (next.refused ?? [])
    .filter(({ name, reason }) => !known.has(`${name} ${reason}`))
    .map((each): EventNote => ({
      type: 'Warning',
      reason: 'ConfirmationRefused',
      message: `${each.name}: ${each.message}`,
    }));
  const confirmed: EventNote[] =
    next.confirmation !== undefined && before.confirmation?.uid !== next.confirmation.uid
      ? [
          {
            type: 'Normal',
            reason: 'Confirmed',
            message: `${next.confirmation.confirmedBy} confirmed the plan (${next.confirmation.name}).`,
          },
        ]
      : [];
  if (phase === undefined || phase === before.phase) return [...refused, ...confirmed];
  const isBad = warning.some((each) => each === phase);
  return [...refused, ...confirmed, { type: isBad ? 'Warning' : 'Normal', reason: phase, message }];
};
