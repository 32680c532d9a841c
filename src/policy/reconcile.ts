import { apiVersion, backupPolicyNames, type BackupPolicyStatus } from '../api/v1alpha1/backuppolicy.ts';
import { createZones } from '../cron/zones.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import type { ReconcileContext, ReconcileResult } from '../kube/controller.ts';
import { isConflict } from '../kube/errors.ts';
import type { EventRecorder } from '../kube/events.ts';
import { getObject } from '../kube/objects.ts';
import { writeStatus } from '../kube/status.ts';
import { keyOf } from '../kube/types.ts';
import type { WorkloadSettings } from '../workloads/settings.ts';
import { applyPlan, applyPrune, recheckSeconds } from './apply.ts';
import { observe, type Caches } from './caches.ts';
import { isInDoubt, lookForPods } from './doubts.ts';
import { dueEvents } from './events.ts';
import type { Observed } from './observed.ts';
import { planPolicy } from './plan.ts';
import { findProblems } from './problems.ts';
import { planPrune } from './prune.ts';
import { resources } from './resources.ts';
import { readRuns, type Runs } from './run-reports.ts';
import { nextStatus } from './status.ts';

export interface PolicyReconcilerOptions {
  client: KubeClient;
  /** The caches that hold a policy, by its key (namespace/name). */
  cachesOf: (key: string) => Caches | undefined;
  events: EventRecorder;
  settings: WorkloadSettings;
  clock: Clock;
}

const subjectOf = ({ policy: { metadata } }: Observed) => ({
  apiVersion,
  kind: backupPolicyNames.kind,
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
});

// The next look is due when a run starts, since nextRunTimes moves then, or retention comes due; a second later, so that CronJob was there
// first.
const requeueAfter = (
  { nextRunTime }: BackupPolicyStatus,
  { refused, pruneAt, now }: { refused: boolean; pruneAt: Date | undefined; now: Date },
): ReconcileResult => {
  if (refused) return { requeueAfterMs: recheckSeconds * 1000 };
  const times = [
    nextRunTime === undefined ? [] : [Date.parse(nextRunTime)],
    pruneAt === undefined ? [] : [pruneAt.getTime()],
  ].flat();
  return times.length === 0 ? {} : { requeueAfterMs: Math.max(1000, Math.min(...times) - now.getTime() + 1000) };
};

/** observe → plan → apply → status, for one policy. */
export const createPolicyReconciler = ({ client, cachesOf, events, settings, clock }: PolicyReconcilerOptions) => {
  const zones = createZones();

  const readAllRuns = async (caches: Caches, observed: Observed, now: Date, signal: AbortSignal): Promise<Runs> => {
    const { metadata, status } = observed.policy;
    const runs = readRuns(observed, now);
    if (!isInDoubt(status, runs)) return runs;
    await lookForPods(metadata, { client, pods: caches.pods, signal });
    return readRuns({ ...observed, pods: caches.pods.ofPolicy(keyOf(metadata)) }, now);
  };

  /** @throws {ApiError} 409: the policy is not as it was observed; the cache has been told how it is */
  const writePolicyStatus = async (
    { policies }: Caches,
    subject: Observed['policy']['metadata'],
    next: BackupPolicyStatus,
    observed: unknown,
    signal: AbortSignal,
  ): Promise<void> => {
    try {
      const { object } = await writeStatus(client, resources.policy, subject, next, observed, { signal });
      if (object !== undefined) policies.remember(object, { silent: true });
    } catch (error) {
      const live = isConflict(error) ? await getObject(client, resources.policy, subject, { signal }) : undefined;
      if (live !== undefined) policies.remember(live);
      throw error;
    }
  };

  const reconcile = async ({ key, signal, logger }: ReconcileContext): Promise<ReconcileResult> => {
    const caches = cachesOf(key);
    const observed = caches === undefined ? undefined : observe(caches, key);
    if (caches === undefined || observed === undefined) return {};
    const { metadata, status, rawStatus } = observed.policy;
    if (metadata.deletionTimestamp !== undefined) return {};

    const found = findProblems(observed, zones, settings);
    const context = { client, caches, policyUid: metadata.uid, policyName: metadata.name, logger, signal };
    const refused = await applyPlan(context, planPolicy(observed, found, settings));
    // With what was just written, but about the spec that it was written for: one that came meanwhile is not carried out yet.
    const applied = { ...(observe(caches, key) ?? observed), policy: observed.policy };

    const now = clock.now();
    const runs = await readAllRuns(caches, applied, now, signal);
    const toCome = nextStatus({ observed: applied, problems: [...found, ...refused], runs, zones, now });
    // From the status to come: what the newest runs told is in it, written or not.
    const prune = planPrune({ observed: applied, status: toCome, problems: [...found, ...refused], settings, now });
    const pruneRefused = await applyPrune(context, prune);
    const problems = [...found, ...refused, ...pruneRefused];
    const next = pruneRefused.length === 0 ? toCome : nextStatus({ observed: applied, problems, runs, zones, now });
    await writePolicyStatus(caches, metadata, next, rawStatus, signal);
    // After the status: an Event whose status was not written would come twice.
    for (const event of dueEvents(status, next, runs)) events.record(subjectOf(observed), event);
    return requeueAfter(next, { refused: refused.length + pruneRefused.length > 0, pruneAt: prune.wakeAt, now });
  };
  return async (context: ReconcileContext): Promise<ReconcileResult> => {
    try {
      return await reconcile(context);
    } catch (error) {
      if (!isConflict(error)) throw error;
      context.logger.debug({ err: error }, 'the cache is behind: looking again');
      return { lookAgain: true };
    }
  };
};
