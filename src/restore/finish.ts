import { addDuration, parseDuration } from '../api/v1alpha1/duration.ts';
import type { DeepReadonly } from '../base/types.ts';
import type { Part, ObservedRequest } from './observed.ts';
import { leavesLoaded, outcomeOf, stateOf } from './outcome.ts';
import { useOfCopy } from './put-back.ts';
import type { Stage } from './stage.ts';
import { isStopAnnounced, nextSteps } from './steps.ts';
import { isFinished, outcomeIn, type RequestView } from './views.ts';

/** What is left to do for a request that is finished. */
export interface Leftovers {
  /** Parts whose safety copy's time is over. */
  readonly discard: readonly Part[];
  /** Parts that may have left at the destination what they loaded. */
  readonly clean: readonly Part[];
  /** Whether the request itself may go. */
  readonly remove: boolean;
  readonly wakeAt: Date | undefined;
}

/** How soon a copy that is held past its time is looked at again, should an event be lost. */
const heldAgainMs = 60_000;

type Others = readonly DeepReadonly<RequestView>[];

const isDone = (stage: Part['discard']): boolean =>
  stage !== undefined && outcomeOf(stage, ['discard']).is === 'Completed';

/** Whether the Job that cleans up has come to its end, well or not: it is not tried again by itself. */
export const isCleaned = ({ clean }: Part): boolean =>
  clean !== undefined && outcomeOf(clean, ['discard']).is !== 'Running';

/**
 * What comes due of a finished request, and when the next does. One whose safety copy is still there does not go: who else would remove that?
 * A copy that another request may yet put back stays whatever its time. Pure.
 * @param others requests of the same policies
 */
export const leftovers = ({ request, parts }: ObservedRequest, others: Others, now: Date): Leftovers => {
  const { status, spec } = request;
  const copies = parts.flatMap((part) => {
    const until = outcomeIn(status, part.name)?.safetyCopyUntil;
    return until === undefined ? [] : [{ part, until: new Date(until) }];
  });
  const left = copies.filter(({ part }) => !isDone(part.discard));
  const over = left.filter(({ part, until }) => until <= now && part.discard === undefined);
  const due = over.filter(({ part }) => !useOfCopy(request, part.name, others).isHeld);
  const loaded = parts.filter(({ name }) => outcomeIn(status, name)?.loaded === 'Left');
  const end =
    status.completionTime === undefined || spec === undefined
      ? undefined
      : addDuration(new Date(status.completionTime), parseDuration(spec.ttlAfterFinished));
  const times = [
    ...left.map(({ until }) => until),
    ...(end === undefined ? [] : [end]),
    ...(over.length > due.length ? [new Date(now.getTime() + heldAgainMs)] : []),
  ].filter((time) => time > now);
  return {
    discard: due.map(({ part }) => part),
    clean: loaded.filter(({ clean }) => clean === undefined),
    remove: end !== undefined && end <= now && left.length === 0 && loaded.length === 0,
    wakeAt: times.length === 0 ? undefined : new Date(Math.min(...times.map((time) => time.getTime()))),
  };
};

/** The status of a finished request, with what was done since with what it left. Pure. */
export const tidied = ({ request, parts }: ObservedRequest, others: Others, now: Date): Stage['status'] => {
  const { observedGeneration: _generation, conditions: _conditions, ...status } = request.status;
  const steps = nextSteps({ parts, before: status.steps ?? [], held: new Set(), now });
  return {
    ...status,
    ...(steps.length > 0 && { steps }),
    ...(status.policies !== undefined && {
      policies: status.policies.map((each) => {
        const by = each.safetyCopy && useOfCopy(request, each.policy, others).by;
        const part = parts.find(({ name }) => name === each.policy);
        return {
          ...each,
          ...(by !== undefined && { putBackBy: by }),
          ...(each.loaded === 'Left' && isDone(part?.clean) && { loaded: 'Discarded' as const }),
        };
      }),
    }),
  };
};

/** Parts of a request that is deleted, and over, that may have left at the destination what they loaded. Pure. */
export const uncleaned = ({ request, parts }: ObservedRequest): readonly Part[] => {
  const { spec, status } = request;
  if (spec === undefined) return [];
  return parts.filter((part) => {
    const known = outcomeIn(status, part.name);
    if (isFinished(status) || known?.outcome !== undefined) return known?.loaded === 'Left' && !isCleaned(part);
    if (part.restore === undefined && known?.jobName === undefined) return false;
    const isUntouched = stateOf(part.restore, isStopAnnounced(status, part.name)) === 'Untouched';
    return isUntouched && leavesLoaded(part.restore, spec.destination) && !isCleaned(part);
  });
};
