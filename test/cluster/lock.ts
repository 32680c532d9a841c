import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { execa } from 'execa';

/**
 * Runs `work` while holding an exclusive lock on `file`, waiting for as long as another process holds it. The lock is the kernel's
 * (flock(2)), held by a child that ends with its standard input: it cannot outlive this process, so it is never stale.
 *
 * Only Linux has flock(1); elsewhere `work` runs without a lock.
 */
export const withLock = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  await mkdir(dirname(file), { recursive: true });
  if (process.platform !== 'linux') return await work();

  const holder = execa('flock', [file, 'cat'], { buffer: false, stderr: 'inherit' });
  try {
    // cat runs once the lock is held: its echo is the sign.
    holder.stdin.write('held\n');
    await Promise.race([once(holder.stdout, 'data'), holder]);
    return await work();
  } finally {
    holder.stdin.end();
    await holder;
  }
};
