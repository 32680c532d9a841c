import { addDuration, parseDuration } from '../api/v1alpha1/duration.ts';
import type { Part, ObservedRequest } from './observed.ts';
import { outcomeOf } from './outcome.ts';

/** What is left to do for a request that is finished. */
export interface Leftovers {
  /** Parts whose safety copy's time is over. */
  readonly discard: readonly Part[];
  /** Whether the request itself may go. */
  readonly remove: boolean;
  readonly wakeAt: Date | undefined;
}

const isDiscarded = ({ discard }: Part): boolean =>
  discard !== undefined && outcomeOf(discard, ['discard']).is === 'Completed';

/** What comes due of a finished request, and when the next does. One whose safety copy is still there does not go: who else would remove that? Pure. */
export const leftovers = ({ request, parts }: ObservedRequest, now: Date): Leftovers => {
  const { status, spec } = request;
  const copies = parts.flatMap((part) => {
    const until = status.policies?.find(({ policy }) => policy === part.name)?.safetyCopyUntil;
    return until === undefined ? [] : [{ part, until: new Date(until) }];
  });
  const left = copies.filter(({ part }) => !isDiscarded(part));
  const due = left.filter(({ part, until }) => until <= now && part.discard === undefined);
  const end =
    status.completionTime === undefined || spec === undefined
      ? undefined
      : addDuration(new Date(status.completionTime), parseDuration(spec.ttlAfterFinished));
  const times = [...left.map(({ until }) => until), ...(end === undefined ? [] : [end])].filter((time) => time > now);
  return {
    discard: due.map(({ part }) => part),
    remove: end !== undefined && end <= now && left.length === 0,
    wakeAt: times.length === 0 ? undefined : new Date(Math.min(...times.map((time) => time.getTime()))),
  };
};
