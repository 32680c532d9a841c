import type { DumpTask } from '../../api/v1alpha1/task.ts';
import { closingTime, dailyWindow, isWithinWindow, type DailyWindow } from '../../cron/window.ts';
import { createZone, type Zone } from '../../cron/zone.ts';
import { RunError } from '../../errors/run-error.ts';
import type { RunContext } from '../run.ts';
import { timestamp, timestampAfter } from '../../base/times.ts';

type WindowTask = NonNullable<DumpTask['window']>;

/** The window of a task, ready to be looked at. */
interface Window {
  readonly daily: DailyWindow;
  readonly zone: Zone;
  readonly enforce: boolean;
  readonly words: string;
}

const readWindow = ({ start, durationSeconds, timeZone, enforce }: WindowTask): Window => ({
  daily: dailyWindow(start, durationSeconds),
  zone: createZone(timeZone),
  enforce,
  words: `the window (from ${start} for ${durationSeconds / 60} min, ${timeZone})`,
});

/** Refuses to begin when the window is closed, and stops the run when it closes. @throws RunError WindowExceeded */
const enforceWindow = (context: RunContext<DumpTask>, { daily, zone, words }: Window): (() => void) => {
  const now = context.now();
  const closes = closingTime(daily, zone, now);
  if (closes === undefined) {
    throw new RunError('WindowExceeded', `It is ${timestamp(now)}, and ${words} is closed: the dump was not begun.`);
  }
  return context.stopAt(
    closes,
    new RunError('WindowExceeded', `The dump was not done when ${words} closed, at ${timestamp(closes)}.`),
  );
};

/**
 * Does the dump, and looks whether it was in the window all the time. Where the window is enforced the run is stopped when it closes;
 * else what was outside is told in a note.
 * @throws RunError WindowExceeded
 */
export const dumpInWindow = async <T>(context: RunContext<DumpTask>, dump: () => Promise<T>): Promise<T> => {
  const { task, now } = context;
  const window = task.window === undefined ? undefined : readWindow(task.window);
  const release = window?.enforce === true ? enforceWindow(context, window) : () => undefined;
  const began = now();
  try {
    return await context.dumping(dump);
  } finally {
    release();
    const ended = now();
    if (window?.enforce === false && !isWithinWindow(window.daily, window.zone, began, ended)) {
      context.note({
        reason: 'OutsideWindow',
        message: `The dump ran from ${timestamp(began)} to ${timestampAfter(ended)}, outside ${window.words}.`,
      });
    }
  }
};
