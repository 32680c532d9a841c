import { stringify } from 'yaml';
import { PAUSE_IMAGE } from '../image-names.ts';
import { cgroupName, CONTAINERD_SOCKET, type Layout, type Network } from './layout.ts';

/**
 * containerd's configuration (its version 2, of containerd 1.6).
 *
 * `restrict_oom_score_adj`: where root lacks CAP_SYS_RESOURCE (in a container, say) runc otherwise dies with "can't get final child's PID
 * from pipe". `opt`: else containerd makes /opt/containerd.
 */
export const containerdConfig = (layout: Layout): string => `version = 2
root = ${JSON.stringify(`${layout.directory}/containerd`)}
state = "/run/containerd"
[grpc]
  address = ${JSON.stringify(CONTAINERD_SOCKET)}
[plugins."io.containerd.internal.v1.opt"]
  path = ${JSON.stringify(`${layout.directory}/containerd-opt`)}
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = ${JSON.stringify(PAUSE_IMAGE)}
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = ${JSON.stringify(layout.cni)}
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;

/** The pods' network: a bridge, and no enforcement of NetworkPolicy. */
export const cniConfig = (layout: Layout, network: Network): string =>
  JSON.stringify({
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: `${layout.directory}/addresses`,
          ranges: [[{ subnet: network.nodePodCidr }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });

/** The kubelet's configuration. Control group v1 is allowed: 1.35 is the last release that takes it, and containerd 1.x. */
export const kubeletConfig = (
  layout: Layout,
  network: Network,
  cluster: string,
  serving: { certificateFile: string; keyFile: string },
): string =>
  stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false,
    failSwapOn: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroupName(cluster)}`,
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${layout.pki}/ca.crt` },
    },
    authorization: { mode: 'Webhook' },
    clusterDNS: [network.nodeAddress],
    clusterDomain: 'cluster.local',
    resolvConf: layout.resolvConf,
    tlsCertFile: serving.certificateFile,
    tlsPrivateKeyFile: serving.keyFile,
    address: network.nodeAddress,
    evictionHard: { 'nodefs.available': '1%', 'imagefs.available': '1%', 'memory.available': '100Mi' },
    maxPods: 200,
    // Tests wait for what the kubelet notices: a claim bound, a Secret changed.
    syncFrequency: '10s',
    volumePluginDir: `${layout.directory}/volume-plugins`,
  });

/** kube-proxy's configuration. The conntrack settings are the host's: they are left alone. */
export const proxyConfig = (layout: Layout, network: Network, node: string): string =>
  stringify({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    clusterCIDR: network.podCidr,
    hostnameOverride: node,
    clientConnection: { kubeconfig: layout.kubeconfig('proxy') },
    conntrack: { maxPerCore: 0, min: null },
  });

/** CoreDNS answers for the cluster's own names on the node's address, and for nothing else. */
export const corefile = (layout: Layout, network: Network): string => `.:53 {
  bind ${network.nodeAddress}
  errors
  cache 5
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${layout.kubeconfig('admin')}
  }
}
`;
