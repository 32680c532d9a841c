import type { BackupPolicyStatus } from '../api/v1alpha1/backuppolicy.ts';
import type { Zones } from '../cron/zones.ts';
import { nextConditions } from '../kube/conditions.ts';
import { claimName } from '../workloads/names.ts';
import { stateConditions } from './conditions.ts';
import { nextHistory } from './history.ts';
import { nextRuns } from './next-runs.ts';
import type { Observed } from './observed.ts';
import type { Problem } from './problems.ts';
import type { Runs } from './run-reports.ts';

interface StatusInput {
  observed: Observed;
  problems: readonly Problem[];
  runs: Runs;
  zones: Zones;
  now: Date;
}

/** The whole status after a reconcile. Pure. */
export const nextStatus = ({ observed, problems, runs, zones, now }: StatusInput): BackupPolicyStatus => {
  const { metadata, spec, status: previous, acceptShrink } = observed.policy;
  const history = nextHistory(previous, runs);
  const observedGeneration = metadata.generation;
  const statements = stateConditions({ spec, problems, history, zones, name: metadata.name, acceptShrink, now });
  const conditions = nextConditions(
    previous.conditions?.map(({ observedGeneration: generation, ...condition }) =>
      generation === undefined ? condition : { ...condition, observedGeneration: generation },
    ) ?? [],
    statements.map((statement) => ({ ...statement, observedGeneration })),
    now,
  );
  const upcoming =
    spec === undefined || problems.length > 0
      ? {}
      : nextRuns({ metadata, spec }, observed.cronJobs, zones(spec.schedule.timeZone), now);
  return { observedGeneration, conditions, ...history, ...upcoming, claimName: claimName(metadata.name) };
};
