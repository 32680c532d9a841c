import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for the line of a volume on its way in the log of a run. */
export const waitFor = async (what: string, reached: () => Promise<boolean>): Promise<void> => {
  for (let attempt = 0; attempt < 1500; attempt += 1) {
    if (await reached()) return;
    await sleep(20);
  }
  throw new Error(`waited in vain for ${what}`);
};

export const processesOf = async (text: string): Promise<{ pid: number; command: string }[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(
    pids.map(async (pid) => ({
      pid: Number(pid),
      command: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
    })),
  );
  return all.filter(({ command }) => command.includes(text));
};
