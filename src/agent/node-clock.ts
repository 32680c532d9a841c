import { readFile } from 'node:fs/promises';
import { uptime } from 'node:os';

/** A time on the clock of a node, which nobody can set: it is the same for all containers of a pod, and begins anew with the node. */
export interface NodeTime {
  /** Tells one start of the node from the next. */
  readonly boot: string;
  readonly ms: number;
}

const bootId = '/proc/sys/kernel/random/boot_id';

/** The time on the node's own clock, to a hundredth of a second. @throws the file system's error where the node does not tell its starts apart */
export const nodeTime = async (): Promise<NodeTime> => {
  const boot = (await readFile(bootId, 'utf8')).trim();
  return { boot, ms: uptime() * 1000 };
};
