import type { RestorePlan } from '../api/v1alpha1/restorerequest.ts';
import { putBackPlanJob, restoreJob, restorePlanJob } from '../workloads/restore-job.ts';
import type { Job } from '../workloads/types.ts';
import { refuseGate } from './hold.ts';
import { makeJob, setRequestFinalizer, stopJob } from './jobs.ts';
import { readLive } from './live.ts';
import { pointAsked } from './make-plan.ts';
import type { Part } from './observed.ts';
import { copyOf } from './put-back.ts';
import { type Turn, orderOf } from './turn.ts';

/** Makes the Jobs that parts are to have. Gives why the API server refuses some. */
export const makeJobs = async (
  turn: Turn,
  parts: readonly Part[],
  jobFor: (part: Part) => Job | undefined,
): Promise<string[]> => {
  const refused: string[] = [];
  for (const part of parts) {
    const job = jobFor(part);
    const why = job === undefined ? undefined : await makeJob(turn, job);
    if (why !== undefined) refused.push(why);
  }
  return refused;
};

/** The Job that plans for a policy, or looks at the safety copy that is put back. */
export const planJobOf = (turn: Turn, part: Part): Job | undefined => {
  const order = orderOf(turn, part);
  if (order === undefined) return undefined;
  const { spec } = order.request;
  if (spec.safetyCopyOf === undefined) return restorePlanJob(order, pointAsked(spec));
  const copy = copyOf(part.name, turn.observed);
  return copy === undefined ? undefined : putBackPlanJob(order, copy);
};

/** Makes the Jobs that restore: after all is written that led to them, and for the request as it is now. */
export const startJobs = async (
  turn: Turn,
  parts: readonly Part[],
  plan: RestorePlan | undefined,
): Promise<string[]> => {
  if (parts.length === 0 || plan === undefined) return [];
  const live = await readLive(turn, turn.observed.request);
  if (live === undefined) return [];
  const held = await setRequestFinalizer(turn, live, true);
  if (held !== undefined) turn.watches.remember(held);
  return makeJobs(turn, parts, (part) => {
    const order = orderOf(turn, part);
    const planned = plan.policies.find(({ policy }) => policy === part.name);
    const job = order === undefined || planned === undefined ? undefined : restoreJob(order, planned);
    if (job === undefined) throw new Error(`no Job can be made that restores ${part.name}`);
    return job;
  });
};

/** Stops the Jobs that restore, where they have not begun to replace anything. */
export const cancelJobs = async (turn: Turn, parts: readonly Part[]): Promise<void> => {
  for (const part of parts) {
    if (part.restore === undefined) continue;
    if (!(await refuseGate(turn.pass, turn.observed, part))) await stopJob(turn, part.restore);
  }
};
