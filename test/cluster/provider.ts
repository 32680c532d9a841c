import { execa } from 'execa';
import { z } from 'zod';
import { ClusterError } from './error.ts';

/** Where the cluster comes from. */
export const providerSchema = z.enum(['external', 'kind', 'embedded']);

/** See `providerSchema`. */
export type Provider = z.infer<typeof providerSchema>;

/** What the choice is made from. */
export type Machine = {
  /** The value of KUBECONFIG; undefined or empty when there is none. */
  kubeconfig: string | undefined;
  /** Whether a Docker engine answers: the client alone is not enough. */
  docker: boolean;
  /** As `process.platform`. */
  platform: string;
  root: boolean;
  go: boolean;
};

const embeddedLacks = ({ platform, root, go }: Machine): string[] => [
  ...(platform === 'linux' ? [] : [`Linux (this is ${platform})`]),
  ...(root ? [] : ['root']),
  ...(go ? [] : ['Go 1.25 or later (https://go.dev/dl/)']),
];

/**
 * The provider to use: the one wanted, or the first that this machine can have: the cluster KUBECONFIG names, kind on a Docker engine,
 * the embedded cluster.
 *
 * @throws ClusterError that says what is missing
 */
export const chooseProvider = (machine: Machine, wanted?: Provider): Provider => {
  const external = machine.kubeconfig !== undefined && machine.kubeconfig !== '';
  const lacks = embeddedLacks(machine);
  if (wanted === 'external' && !external) {
    throw new ClusterError('There is no cluster to use: KUBECONFIG is not set.', 'Set it to the path of a kubeconfig.');
  }
  if (wanted === 'kind' && !machine.docker) {
    throw new ClusterError(
      'kind needs a Docker engine, and none answers.',
      'Start one, and see that `docker info` says so.',
    );
  }
  if (wanted === 'embedded' && lacks.length > 0) {
    throw new ClusterError(
      `The embedded cluster cannot run here. Missing: ${lacks.join('; ')}.`,
      'Provide what is missing.',
    );
  }
  if (wanted !== undefined) return wanted;
  if (external) return 'external';
  if (machine.docker) return 'kind';
  if (lacks.length === 0) return 'embedded';
  throw new ClusterError(
    `No cluster can be had here: KUBECONFIG is not set, no Docker engine answers, and the embedded cluster misses: ${lacks.join('; ')}.`,
    'Provide any one of the three.',
  );
};

const works = async (program: string, args: readonly string[]): Promise<boolean> =>
  !(await execa(program, args, { reject: false, timeout: 15_000, stdin: 'ignore' })).failed;

/** Looks at this machine. */
export const inspectMachine = async (environment: Readonly<Record<string, string | undefined>>): Promise<Machine> => ({
  kubeconfig: environment['KUBECONFIG'],
  docker: await works('docker', ['info', '--format', '{{.ServerVersion}}']),
  platform: process.platform,
  root: process.getuid?.() === 0,
  go: await works('go', ['version']),
});
