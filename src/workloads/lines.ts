import type { BackupPolicySpec } from '../api/v1alpha1/backuppolicy.ts';
import type { ScheduledKind } from '../api/v1alpha1/recovery-points.ts';
import { resolveLine } from '../cron/hash.ts';

/** What of a policy its lines depend on. */
interface Timetable {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: Pick<BackupPolicySpec, 'schedule'>;
}

/** The field of the schedule that says when a kind of run starts. */
export const scheduleField = {
  LocalCopy: 'localCopy',
  Full: 'full',
  Incremental: 'incremental',
  Verify: 'verify',
} as const satisfies Record<ScheduledKind, keyof BackupPolicySpec['schedule']>;

const writtenLine = ({ schedule }: Timetable['spec'], kind: ScheduledKind): string | undefined =>
  schedule[scheduleField[kind]];

/**
 * The cron line of a kind of run, with `H` resolved: everything that reads a line of a policy reads it here. Undefined when the policy does
 * not have it. `H` depends on namespace, name and kind alone, so that no other policy or kind moves it.
 *
 * @throws CronError for an `H` that cannot be
 */
export const cronLineOf = ({ metadata, spec }: Timetable, kind: ScheduledKind): string | undefined => {
  const line = writtenLine(spec, kind);
  return line === undefined ? undefined : resolveLine(line, `${metadata.namespace}/${metadata.name}/${kind}`);
};
