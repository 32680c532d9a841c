import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { projectRoot } from '../../cluster/paths.ts';
import { startOperator, type RunningOperator } from '../../support/operator/operator.ts';

const ticksPerSecond = 100;

/** The operator as the image runs it: one file. */
export const compileOperator = async (): Promise<string> => {
  await execa('npm', ['run', '--silent', 'build'], { cwd: projectRoot });
  return join(projectRoot, 'dist/operator.mjs');
};

/** Starts it as the chart does: with its own Lease. `nodeOptions` are for looking into it: `--cpu-prof`. */
export const launchOperator = (kubeconfig: string, program: string, nodeOptions?: string): Promise<RunningOperator> =>
  startOperator({
    kubeconfig,
    program,
    environment: { HOLDFAST_LEASE_NAMESPACE: 'default', NODE_OPTIONS: nodeOptions },
  });

/** CPU that a process has used, user and system, in seconds. */
export const cpuSecondsOf = async (pid: number): Promise<number> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // After the name in parentheses, which may hold blanks; utime and stime are fields 14 and 15 of proc(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
};

/** Resident memory of a process in MiB, now and at its highest. */
export const memoryOf = async (pid: number): Promise<{ rssMiB: number; peakRssMiB: number }> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  return { rssMiB: kib('VmRSS') / 1024, peakRssMiB: kib('VmHWM') / 1024 };
};
