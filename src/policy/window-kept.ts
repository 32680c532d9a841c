import type { LastRun } from '../api/v1alpha1/backuppolicy.ts';
import { isWithinWindow } from '../cron/window.ts';
import { windowOf, windowWords } from '../workloads/window.ts';
import type { Evidence, Statement } from './statement.ts';
import { isGuess } from './guesses.ts';
import type { History } from './history.ts';

const type = 'WindowKept';

const leftNoWord = ({ outcome, reason }: LastRun): boolean =>
  outcome !== 'Succeeded' && (isGuess(reason) || reason === 'OutOfMemory');

/** A run after the newest dump that is known, which may have dumped and could not say so. */
const runInDoubt = ({ lastRuns = [], lastDump }: History): LastRun | undefined =>
  lastRuns.find(
    (run) =>
      leftNoWord(run) &&
      run.jobName !== lastDump?.jobName &&
      (lastDump === undefined || Date.parse(run.completionTime) > Date.parse(lastDump.endTime)),
  );

const unknown = (reason: string, message: string): Statement => ({ type, status: 'Unknown', reason, message });

const judge = ({ spec, problems, history, zones }: Evidence): Statement | undefined => {
  if (spec?.schedule.window === undefined) return undefined;
  const words = windowWords(spec.schedule);
  if (problems.some(({ reason }) => reason === 'ScheduleInvalid')) {
    return unknown('ScheduleInvalid', 'The schedule cannot be read: see the condition Stalled.');
  }
  const window = windowOf(spec.schedule);
  const doubtful = runInDoubt(history);
  if (doubtful !== undefined)
    return unknown('DumpUnknown', `${doubtful.kind} ${doubtful.jobName} left no word of when it dumped.`);
  const { lastDump } = history;
  if (window === undefined || lastDump === undefined)
    return unknown('NoDumpYet', `No dump was made since times of dumps are recorded; ${words} was promised.`);
  const { jobName, startTime, endTime } = lastDump;
  const ran = `The dump of ${jobName} ran from ${startTime} to ${endTime}`;
  return isWithinWindow(window, zones(spec.schedule.timeZone), new Date(startTime), new Date(endTime))
    ? { type, status: 'True', reason: 'Inside', message: `${ran}, inside ${words}.` }
    : {
        type,
        status: 'False',
        reason: 'Outside',
        message: `${ran}, outside ${words}. What it holds is no worse for that. Widen the window, start earlier in it, or make the dump shorter.`,
      };
};

/** Whether the newest dump kept to the window as it is now; nothing when the policy has none. Pure. */
export const windowKept = (evidence: Evidence): Statement[] => {
  const statement = judge(evidence);
  return statement === undefined ? [] : [statement];
};
