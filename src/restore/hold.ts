import { parseGate } from '../api/v1alpha1/gate.ts';
import { holderName } from '../quiesce/askers.ts';
import type { Asker } from '../quiesce/plan.ts';
import { serveAsker, type Pass } from '../quiesce/serve.ts';
import type { HeldWatches } from '../quiesce/watches.ts';
import { writeGate } from '../quiesce/write.ts';
import { restoreDeadline } from '../workloads/restore-job.ts';
import { readLive } from './live.ts';
import { containerOf, type ObservedRequest, type Part } from './observed.ts';
import { isStopAnnounced } from './steps.ts';

/** The agent stops at its deadline; after this much longer it is over, whatever the API server still shows of a lost node. */
const graceSeconds = 120;

/** The part's pod while its container that replaces data waits for the word, or acts upon it. */
const askerOf = (part: Part, { request }: ObservedRequest): Asker | undefined => {
  const { restore, policy, name } = part;
  const since = containerOf(restore, 'swap')?.runningSince;
  const planned = request.status.plan?.policies.find((each) => each.policy === name);
  if (since === undefined || restore?.pod === undefined || policy?.spec === undefined || planned === undefined)
    return undefined;
  // The wait, the exchange, and the comparison after it.
  const seconds = 3 * restoreDeadline(policy.spec) + graceSeconds;
  return {
    for: holderName(name),
    pod: restore.pod.name,
    uid: restore.pod.uid,
    container: 'swap',
    until: new Date(Date.parse(since) + seconds * 1000),
    workloads: planned.workloads,
    gate: parseGate(restore.pod.gate),
  };
};

const isBlocked = (part: Part, { request }: ObservedRequest): boolean => {
  const planned = request.status.plan?.policies.find((each) => each.policy === part.name);
  return planned?.external !== undefined && request.spec?.externalStopped !== true;
};

/** Whether a pod waits for its workloads, or is to be told again that they are down. */
export const needsGate = (part: Part, observed: ObservedRequest): boolean => {
  const asker = askerOf(part, observed);
  return (
    asker !== undefined && asker.gate?.state !== 'Refused' && (asker.gate !== undefined || !isBlocked(part, observed))
  );
};

/**
 * Stops the workloads of a part and lets its data be replaced. The request is read anew before the word is given: after it nothing can be
 * cancelled.
 */
export const openGate = async (pass: Pass, observed: ObservedRequest, part: Part): Promise<void> => {
  const asker = askerOf(part, observed);
  if (asker === undefined || !isStopAnnounced(observed.request.status, part.name) || !needsGate(part, observed)) return;
  if (asker.gate === undefined && (await readLive(pass, observed.request)) === undefined) return;
  await serveAsker(pass, asker);
};

/** Tells a pod that waits that it must not go on. True: there was one, and it was not told otherwise before. */
export const refuseGate = async (pass: Pass, observed: ObservedRequest, part: Part): Promise<boolean> => {
  const asker = askerOf(part, observed);
  if (asker === undefined || asker.gate?.state === 'Held') return false;
  if (asker.gate?.state === 'Refused') return true;
  const gate = { state: 'Refused', message: 'The request was cancelled.', cancelled: true } as const;
  const answer = await writeGate(pass, { namespace: pass.namespace, asker, gate });
  if (answer !== undefined) pass.caches.pods.remember(answer);
  return true;
};

/** Policies of the request whose workloads are held: for its pods, or for a dump. */
export const heldOf = ({ request, parts }: ObservedRequest, held: HeldWatches | undefined): ReadonlySet<string> =>
  new Set(
    held === undefined
      ? []
      : parts
          .filter(
            ({ name, restore }) =>
              restore !== undefined && held.ofPolicy(`${request.metadata.namespace}/${name}`).length > 0,
          )
          .map(({ name }) => name),
  );
