import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = '/sys/fs/cgroup';

/** The mount points of control groups in the text of /proc/mounts: one for version 2, one a controller for version 1. */
export const cgroupMounts = (mounts: string): string[] =>
  mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, path, type]) => (type === 'cgroup' || type === 'cgroup2') && path?.startsWith(ROOT))
    .flatMap(([, path]) => (path === undefined ? [] : [path]));

const hierarchies = async () => [...new Set(cgroupMounts(await readFile('/proc/mounts', 'utf8')))];

/** Makes a control group in every hierarchy: the kubelet wants the one it is given to be there. */
export const makeCgroup = async (name: string): Promise<void> => {
  for (const hierarchy of await hierarchies()) {
    const directory = join(hierarchy, name);
    await mkdir(directory, { recursive: true });
    // In version 1 a new cpuset is empty, and nothing can run in it.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (!hierarchy.endsWith('/cpuset')) continue;
      await writeFile(join(directory, file), await readFile(join(hierarchy, file)));
    }
  }
};

const removeTree = async (directory: string): Promise<void> => {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory()) await removeTree(join(directory, entry.name));
  }
  for (let attempt = 1; ; attempt++) {
    try {
      await rmdir(directory);
      return;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
      // The kernel takes a moment to let go of processes that have just ended.
      if (attempt === 50) throw error;
      await sleep(100);
    }
  }
};

/** Removes a control group and all below it from every hierarchy; its processes must have ended. */
export const removeCgroup = async (name: string): Promise<void> => {
  for (const hierarchy of await hierarchies()) await removeTree(join(hierarchy, name));
};
