import type { BackupPolicySpec, Timetable } from '../api/v1alpha1/backuppolicy.ts';
import type { PolicyConditionType } from '../api/v1alpha1/conditions.ts';
import type { DeepReadonly } from '../base/types.ts';
import type { Zones } from '../cron/zones.ts';
import type { History } from './history.ts';
import type { Observed } from './observed.ts';
import type { Problem } from './problems.ts';

/** A condition before it is known when it changed. Messages carry no ages, so that a condition changes only when its subject does. */
export interface Statement {
  type: PolicyConditionType;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  /** When it may be another by itself, with nothing else happening. */
  wakeAt?: Date | undefined;
}

/** What the conditions are judged from. */
export interface Evidence {
  spec: BackupPolicySpec | undefined;
  problems: readonly Problem[];
  history: History;
  /** Name of the policy, for commands in messages. */
  name: string;
  metadata: { readonly namespace: string; readonly name: string };
  /** When the policy was made. */
  created: string;
  /** What else is there: CronJobs, Jobs, pods. */
  observed: Observed;
  /** Since when runs are expected as they are now. */
  timetable: DeepReadonly<Timetable> | undefined;
  /** Why a run that a person asked for was not started. */
  requestProblem: string | undefined;
  /** See PolicyView. */
  acceptShrink: string | undefined;
  now: Date;
  zones: Zones;
}
