import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { projectRoot } from '../../cluster/paths.ts';
import { startOperator, type RunningOperator } from '../../support/operator/operator.ts';

const ticksPerSecond = 100;

/** How to run the operator: what node is given, and the environment. */
export interface Program {
  arguments: readonly string[];
  environment: Readonly<Record<string, string>>;
}

const entrypoint = z.tuple([z.literal('node')], z.string());

/** What the Dockerfile says of an image: the flags before the program, and the variables. */
export const readStage = (
  dockerfile: string,
  stage: string,
): { flags: string[]; environment: Record<string, string> } => {
  const lines = (
    new RegExp(`^FROM \\S+ AS ${stage}$([\\s\\S]*?)(?=^FROM |$(?![\\s\\S]))`, 'm').exec(dockerfile)?.[1] ?? ''
  ).split('\n');
  const command = lines.find((line) => line.startsWith('ENTRYPOINT '))?.slice('ENTRYPOINT '.length) ?? '';
  const [, ...given] = entrypoint.parse(JSON.parse(command));
  const pairs = lines.filter((line) => line.startsWith('ENV ')).flatMap((line) => line.slice(4).split(' '));
  return {
    flags: given.slice(0, -1),
    environment: Object.fromEntries(pairs.map((pair) => pair.split('=', 2) as [string, string])),
  };
};

/** The operator as the image runs it: one file, with the flags and variables of the Dockerfile. */
export const compileOperator = async (): Promise<Program> => {
  await execa('npm', ['run', '--silent', 'build'], { cwd: projectRoot });
  const { flags, environment } = readStage(await readFile(join(projectRoot, 'Dockerfile'), 'utf8'), 'operator');
  return { arguments: [...flags, join(projectRoot, 'dist/operator.mjs')], environment };
};

/** Starts it as the chart does: with its own Lease. `nodeOptions` are for looking into it: `--cpu-prof`. */
export const launchOperator = (kubeconfig: string, program: Program, nodeOptions?: string): Promise<RunningOperator> =>
  startOperator({
    kubeconfig,
    limitMs: 180_000,
    program: program.arguments,
    environment: { ...program.environment, HOLDFAST_LEASE_NAMESPACE: 'default', NODE_OPTIONS: nodeOptions },
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
