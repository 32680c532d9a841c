import { join } from 'node:path';

/** How many embedded clusters a machine has room for. */
export const SLOTS = 31;

/** Addresses and names of one embedded cluster. No two slots share any. */
export type Network = {
  /** The interface on the host's side of the pair that joins host and node. */
  hostInterface: string;
  hostAddress: string;
  nodeAddress: string;
  /** The range a cluster's nodes get their pods' ranges from. */
  podCidr: string;
  /** The one node's range. */
  nodePodCidr: string;
  serviceCidr: string;
  /** The address of the Service `kubernetes`: the first of the range. */
  apiServiceAddress: string;
};

/**
 * The network of a slot, all of it in 198.18.0.0/15, which is set aside for benchmarks and never routed (RFC 2544): pods in 198.18.0.0/16,
 * Services in 198.19.0.0/16, and at its end the pairs of addresses between host and node.
 */
export const networkOf = (slot: number): Network => {
  if (!Number.isInteger(slot) || slot < 0 || slot >= SLOTS) throw new RangeError(`no such slot: ${slot}`);
  return {
    hostInterface: `holdfast${slot}`,
    hostAddress: `198.19.255.${slot * 4 + 2}`,
    nodeAddress: `198.19.255.${slot * 4 + 1}`,
    podCidr: `198.18.${slot * 8}.0/21`,
    nodePodCidr: `198.18.${slot * 8}.0/24`,
    serviceCidr: `198.19.${slot * 8}.0/21`,
    apiServiceAddress: `198.19.${slot * 8}.1`,
  };
};

/** Where things are below a cluster's state directory. */
export const layoutOf = (directory: string) => ({
  directory,
  /** What `up` knows of the cluster; see record.ts. */
  record: join(directory, 'cluster.json'),
  /** What the node needs to start; its appearance says that the network is there. */
  settings: join(directory, 'node.json'),
  /** Appears when the node is ready. */
  ready: join(directory, 'ready'),
  /** What the node's first process writes: its steps, and why it failed. */
  nodeLog: join(directory, 'node.log'),
  logs: join(directory, 'logs'),
  pki: join(directory, 'pki'),
  volumes: join(directory, 'volumes'),
  kubeconfig: (who: string) => join(directory, `${who}.kubeconfig`),
  /** Names and ids of the images that were loaded. */
  images: join(directory, 'images.json'),
  containerdConfig: join(directory, 'containerd.toml'),
  kubeletConfig: join(directory, 'kubelet.yaml'),
  proxyConfig: join(directory, 'kube-proxy.yaml'),
  corefile: join(directory, 'Corefile'),
  resolvConf: join(directory, 'resolv.conf'),
  cni: join(directory, 'cni'),
});

/** See `layoutOf`. */
export type Layout = ReturnType<typeof layoutOf>;

/** containerd's socket, in the node's own /run. */
export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';

/** The one node's name. */
export const NODE_NAME = 'node1';

/** The name of the cluster's control groups, in every hierarchy. */
export const cgroupName = (cluster: string): string => `holdfast-${cluster}`;

/** Cluster names become names of directories and control groups. */
export const isClusterName = (name: string): boolean => /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name);
