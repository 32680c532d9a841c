import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/**
 * A process told apart from a later one that was given the same number: `startTime` is field 22 of `/proc/<pid>/stat`, in clock
 * ticks since boot (proc_pid_stat(5)).
 */
export const processIdentitySchema = z.object({ pid: z.int().positive(), startTime: z.string() });

/** See `processIdentitySchema`. */
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** The state letter and the start time in a line of `/proc/<pid>/stat`; the command's name in it may hold spaces and brackets. */
export const parseStat = (stat: string): { state: string; startTime: string } | undefined => {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  return state === undefined || startTime === undefined ? undefined : { state, startTime };
};

/** The identity of a running process; undefined when there is none, or only its remains (a zombie). */
export const identify = async (pid: number): Promise<ProcessIdentity | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const parsed = stat === undefined ? undefined : parseStat(stat);
  return parsed === undefined || 'ZX'.includes(parsed.state) ? undefined : { pid, startTime: parsed.startTime };
};

/** Whether the very process recorded still runs. */
export const isRunning = async (identity: ProcessIdentity): Promise<boolean> =>
  (await identify(identity.pid))?.startTime === identity.startTime;

/** Sends a signal, to the recorded process only; false when it no longer runs. */
export const signalProcess = async (identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> => {
  if (!(await isRunning(identity))) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
};

/**
 * Polls `condition` until it holds.
 *
 * @throws Error with what `describe` says when it does not hold within `timeoutMs`
 */
export const waitUntil = async (
  condition: () => Promise<boolean> | boolean,
  {
    timeoutMs,
    intervalMs = 100,
    describe,
  }: { timeoutMs: number; intervalMs?: number; describe: () => Promise<string> | string },
): Promise<void> => {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(await describe());
    await sleep(intervalMs);
  }
};
