import { embeddedCluster } from './embedded/cluster.ts';
import { externalCluster } from './external.ts';
import { kindCluster } from './kind.ts';
import type { Tool } from './kubectl.ts';
import { createProgress, type Progress } from './progress.ts';
import { chooseProvider, inspectMachine, type Provider } from './provider.ts';

/** A cluster with nodes, to run pods on. */
export type Cluster = {
  readonly provider: Provider;
  readonly name: string;
  /** The path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly kubectl: Tool;
  readonly helm: Tool;
  /** Brings images built on this machine into the cluster; those already there are passed over. */
  loadImages(names: readonly string[]): Promise<void>;
  /** Removes the cluster and all that is in it; leaves a cluster alone that was there before (`external`). */
  down(): Promise<void>;
};

/** `running`: it can be used. `broken`: parts of it are there; `up` and `down` both clean up. */
export type ClusterStatus = {
  provider: Provider;
  kubeconfig: string;
  state: 'running' | 'stopped' | 'broken';
};

/** What a provider does. */
export type ClusterProvider = {
  up(): Promise<Cluster>;
  status(): Promise<ClusterStatus>;
  down(): Promise<void>;
};

/** Which cluster is meant. */
export type ClusterOptions = {
  /** Clusters of different names run side by side. `holdfast` unless told. */
  name?: string;
  /** Chosen by what the machine has unless told; see `chooseProvider`. */
  provider?: Provider;
  progress?: Progress;
};

/** The cluster that the options and this machine come to, whether it is up or not. */
export const findCluster = async (options: ClusterOptions = {}): Promise<ClusterProvider> => {
  const { name = 'holdfast', progress = createProgress() } = options;
  const machine = await inspectMachine(process.env);
  switch (chooseProvider(machine, options.provider)) {
    case 'external':
      return externalCluster(name, machine.kubeconfig ?? '', progress);
    case 'kind':
      return kindCluster(name, progress);
    case 'embedded':
      return embeddedCluster(name, progress);
  }
};

/**
 * A running cluster: started, or found running as it is.
 *
 * @throws ClusterError that says what is missing or failed
 */
export const upCluster = async (options: ClusterOptions = {}): Promise<Cluster> =>
  await (await findCluster(options)).up();
