import { RunError } from '../../../errors/run-error.ts';
import type { RunContext } from '../../run.ts';
import type { VerifyTask } from '../../../api/v1alpha1/task.ts';
import { freeBytes, sizeWords } from '../../space.ts';

type Context = RunContext<VerifyTask>;

/** With less than this the server cannot have written what it was sent. */
export const fullBytes = 1024 * 1024;

const lookMs = 1000;
/** A server that compacts needs room for a moment; one whose disk stays full so long does not get on. */
const patienceMs = 10_000;

/**
 * Does something with the scratch server, unless its disk is full and stays so: then a shard may never open, and would be waited for until the
 * deadline. @throws RunError SandboxTooSmall
 */
export const whileRoom = async <T>(context: Context, work: (context: Context) => Promise<T>): Promise<T> => {
  const { task, signal } = context;
  const full = new AbortController();
  let since: number | undefined;
  const look = async (): Promise<void> => {
    const free = await freeBytes(task.fetched);
    if (free > fullBytes) {
      since = undefined;
      return;
    }
    since ??= Date.now();
    if (Date.now() - since < patienceMs) return;
    const detail = `The scratch space is full (${sizeWords(free)} free), and the server does not get on.`;
    full.abort(new RunError('SandboxTooSmall', detail));
  };
  const timer = setInterval(() => void look().catch(() => undefined), lookMs);
  try {
    return await work({ ...context, signal: AbortSignal.any([signal, full.signal]) });
  } catch (error) {
    signal.throwIfAborted();
    full.signal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(timer);
  }
};
