import type { BackupPolicySpec } from '../api/v1alpha1/backuppolicy.ts';
import { durationSeconds } from '../api/v1alpha1/duration.ts';
import type { DumpTask } from '../api/v1alpha1/task.ts';
import { dailyWindow, type DailyWindow } from '../cron/window.ts';

type Schedule = BackupPolicySpec['schedule'];

/** The window of a schedule as it can be reckoned with; undefined when there is none. @throws RangeError, DurationError */
export const windowOf = ({ window }: Pick<Schedule, 'window'>): DailyWindow | undefined =>
  window === undefined ? undefined : dailyWindow(window.start, durationSeconds(window.duration));

/** A window in words, for messages. */
export const windowWords = ({ window, timeZone }: Pick<Schedule, 'window' | 'timeZone'>): string =>
  window === undefined ? 'no window' : `the window (${window.start} for ${window.duration}, ${timeZone})`;

/** What the dump container is told of the window. */
export const windowTask = ({ window, timeZone }: Schedule): Pick<DumpTask, 'window'> => {
  if (window === undefined) return {};
  const { start, duration, enforce } = window;
  return { window: { start, durationSeconds: durationSeconds(duration), timeZone, enforce } };
};
