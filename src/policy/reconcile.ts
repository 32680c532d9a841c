import { apiVersion, backupPolicyNames, type BackupPolicyStatus } from '../api/v1alpha1/backuppolicy.ts';
import { createZones } from '../cron/zones.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import type { ReconcileContext, ReconcileResult } from '../kube/controller.ts';
import type { EventRecorder } from '../kube/events.ts';
import { lookingAgain } from '../kube/look-again.ts';

import { writeStatusAndRemember } from '../kube/status.ts';
import { keyOf } from '../kube/types.ts';
import type { WorkloadSettings } from '../workloads/settings.ts';
import { applyPlan, applyPrune, applyRequest, recheckSeconds } from './apply.ts';
import { observe, type Caches } from './caches.ts';
import { isInDoubt, lookForPods } from './doubts.ts';
import { dueEvents, tamperEvents } from './events.ts';
import type { Observed } from './observed.ts';
import { planPolicy } from './plan.ts';
import { findProblems } from './problems.ts';
import { planPrune } from './prune.ts';
import { planRequest } from './requested-run.ts';
import { resources } from './resources.ts';
import { readRuns, type Runs } from './run-reports.ts';
import { judgePolicy } from './status.ts';

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

// The next look is due when a run starts, since nextRunTimes moves then, retention comes due, or a condition turns by itself; a second later,
// so that CronJob was there first, and the time is surely over.
const requeueAfter = (
  { nextRunTime }: BackupPolicyStatus,
  { refused, wakeAt, now }: { refused: boolean; wakeAt: readonly (Date | undefined)[]; now: Date },
): ReconcileResult => {
  if (refused) return { requeueAfterMs: recheckSeconds * 1000 };
  const times = [
    ...(nextRunTime === undefined ? [] : [Date.parse(nextRunTime)]),
    ...wakeAt.flatMap((time) => time?.getTime() ?? []),
  ];
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

  const reconcile = async ({ key, signal, logger }: ReconcileContext): Promise<ReconcileResult> => {
    const caches = cachesOf(key);
    const observed = caches === undefined ? undefined : observe(caches, key);
    if (caches === undefined || observed === undefined) return {};
    const { metadata, status, rawStatus } = observed.policy;
    if (metadata.deletionTimestamp !== undefined) return {};

    const found = findProblems(observed, zones, settings);
    const context = { client, caches, policyUid: metadata.uid, policyName: metadata.name, logger, signal };
    const plan = planPolicy(observed, found, settings);
    const refused = await applyPlan(context, plan);
    // At once: what was found is put back, and the next look does not find it any more.
    if (refused.length === 0)
      for (const event of tamperEvents(observed, plan)) events.record(subjectOf(observed), event);
    // With what was just written, but about the spec that it was written for: one that came meanwhile is not carried out yet.
    const applied = { ...(observe(caches, key) ?? observed), policy: observed.policy };
    const request = planRequest(applied);
    const requestRefused = await applyRequest(context, request);
    // Asked for again at the next look, as long as it is refused.
    const asked = requestRefused.length > 0 ? {} : { request: request.request };

    const now = clock.now();
    const seen = request.create === undefined ? applied : { ...applied, jobs: caches.jobs.ofPolicy(key) };
    const runs = await readAllRuns(caches, seen, now, signal);
    const before = [...found, ...refused, ...requestRefused];
    const input = { observed: seen, runs, ...asked, zones, now };
    const toCome = judgePolicy({ ...input, problems: before });
    // From the status to come: what the newest runs told is in it, written or not.
    const prune = planPrune({ observed: seen, status: toCome.status, problems: before, settings, now });
    const pruneRefused = await applyPrune(context, prune);
    const problems = [...before, ...pruneRefused];
    const { status: next, wakeAt } = pruneRefused.length === 0 ? toCome : judgePolicy({ ...input, problems });
    const written = { desired: next, observed: rawStatus, memory: caches.policies, signal };
    await writeStatusAndRemember(client, resources.policy, metadata, written);
    // After the status: an Event whose status was not written would come twice.
    for (const event of dueEvents(status, next, runs)) events.record(subjectOf(observed), event);
    return requeueAfter(next, { refused: problems.length > found.length, wakeAt: [wakeAt, prune.wakeAt], now });
  };
  return lookingAgain('the cache is behind', reconcile);
};
