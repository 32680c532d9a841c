import type { BackupPolicyStatus, LastRequestedRun } from '../api/v1alpha1/backuppolicy.ts';
import { scheduledKinds, type ScheduledKind } from '../api/v1alpha1/recovery-points.ts';
import { scheduleField } from '../workloads/lines.ts';
import { cronJobName, kindNames, requestedJobName } from '../workloads/names.ts';
import { requestedJob } from '../workloads/requested-job.ts';
import type { Job } from '../workloads/types.ts';
import type { Observed } from './observed.ts';

/** What is to be done for the run that a person asks for. */
export interface RequestPlan {
  /** The Job to make, and the UID of the CronJob that owns it. */
  create: { job: Job; ownerUid: string } | undefined;
  /** What status remembers then. */
  request: LastRequestedRun | undefined;
}

const form = /^([A-Za-z-]{1,32})@([A-Za-z0-9._:+-]{1,64})$/;

const plain = (kind: string): string => kind.replaceAll('-', '').toLowerCase();

const kindOf = (value: string): ScheduledKind | undefined => {
  const written = form.exec(value)?.[1];
  return written === undefined ? undefined : scheduledKinds.find((kind) => plain(kind) === plain(written));
};

const notUnderstood = `write <kind>@<anything that is new>, where the kind is one of ${Object.values(kindNames).join(', ')}: such as full@2026-11-24.`;

/**
 * The run that the annotation asks for: one Job a value, made from the CronJob as it is. Its name follows from the policy and the value, so that
 * whoever is interrupted before status remembers it makes the same one again. A suspended policy runs it too: a person asks. Pure.
 */
export const planRequest = ({ policy, cronJobs }: Observed): RequestPlan => {
  const { metadata, status, requested: value } = policy;
  const known = status.lastRequestedRun;
  if (value === undefined || value === known?.value) return { create: undefined, request: known };
  const kind = kindOf(value);
  if (kind === undefined) return { create: undefined, request: { value, problem: notUnderstood } };
  const cronJob = cronJobs.find(
    ({ name, ownerPolicyUids }) => name === cronJobName(metadata.name, kind) && ownerPolicyUids.includes(metadata.uid),
  );
  const jobName = requestedJobName(metadata.name, kind, `${metadata.uid} ${value}`);
  const job = cronJob === undefined ? undefined : requestedJob(cronJob.object, jobName);
  if (cronJob === undefined || job === undefined) {
    const problem = `there is no CronJob ${cronJobName(metadata.name, kind)}: set spec.schedule.${scheduleField[kind]}, and ask again with another value.`;
    return { create: undefined, request: { value, problem } };
  }
  return { create: { job, ownerUid: cronJob.uid }, request: { value, jobName } };
};

/** Why the run that is asked for now was not started; undefined when it was, or none is asked for. */
export const requestProblemOf = (
  requested: string | undefined,
  request: BackupPolicyStatus['lastRequestedRun'],
): string | undefined => (request?.value === requested ? request?.problem : undefined);
