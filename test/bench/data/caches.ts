import { writeFile } from 'node:fs/promises';
import { execa } from 'execa';

/** Forgets what the kernel has in memory of files. @throws where this is not allowed: a restore would be measured that nobody has */
export const dropCaches = async (): Promise<void> => {
  await execa('sync');
  await writeFile('/proc/sys/vm/drop_caches', '3\n');
};
