import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RunError } from '../errors/run-error.ts';
import { exec, lastWords, type ExecScope } from './exec.ts';

const conflictStatus = 75;

/** A lock that is held until it is released or the process ends. */
export interface HeldLock {
  /** May be handed to a child process (`extra: [{ inherit: lock.fd }]`): then the lock lasts as long as the child as well. */
  readonly fd: number;
  release(): Promise<void>;
}

/**
 * Takes an exclusive lock on a file, waiting in the kernel (flock(2)): the lock belongs to the open file, so it goes with the process
 * that holds it, however that ends. flock(1) takes it on the descriptor it inherits.
 * @param what names what is locked, for the message
 * @throws RunError AnotherRunActive when it is not free within `timeoutSeconds`; ClaimUnusable when the file cannot be made.
 */
export const acquireLock = async (
  scope: ExecScope,
  path: string,
  { what, timeoutSeconds }: { what: string; timeoutSeconds: number },
): Promise<HeldLock> => {
  const handle = await openLock(path);
  try {
    const ended = await exec(scope, {
      file: 'flock',
      args: [
        '--exclusive',
        `--conflict-exit-code=${conflictStatus}`,
        `--timeout=${Math.max(0, Math.floor(timeoutSeconds))}`,
        '3',
      ],
      extra: [{ inherit: handle.fd }],
    });
    if (ended.exitCode === conflictStatus) {
      throw new RunError('AnotherRunActive', `Another run held the ${what} for ${Math.floor(timeoutSeconds)} s.`);
    }
    if (ended.exitCode !== 0) {
      throw new RunError('ClaimUnusable', `The ${what} cannot be locked. ${lastWords('flock', ended)}`);
    }
  } catch (error) {
    await handle.close();
    throw error;
  }
  return { fd: handle.fd, release: () => handle.close() };
};

const openLock = async (path: string) => {
  try {
    await mkdir(dirname(path), { recursive: true });
    return await open(path, 'a', 0o660);
  } catch (error) {
    throw new RunError('ClaimUnusable', `The lock file ${path} cannot be opened: ${String(error)}.`, { cause: error });
  }
};
