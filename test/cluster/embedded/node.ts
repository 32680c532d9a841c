// The inside of the namespaces: starts a node with its control plane and stays. Run by up.ts: node.ts <state directory>.
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import {
  apiserverArguments,
  componentArguments,
  controllerManagerArguments,
  etcdArguments,
} from '../control-plane-arguments.ts';
import type { HyperkubeRole } from '../hyperkube.ts';
import { createAuthority, createSigningKey, writeKubeconfig } from '../pki.ts';
import { createProbe } from '../probe.ts';
import { waitUntil } from '../process.ts';
import { supervise } from '../supervisor.ts';
import { cniConfig, containerdConfig, corefile, kubeletConfig, proxyConfig } from './config.ts';
import { type Layout, layoutOf, type Network, networkOf, NODE_NAME } from './layout.ts';
import { provision } from './provisioner.ts';
import { nodeSettingsSchema } from './record.ts';
import { storageClasses } from './storage.ts';

const SETTINGS_TIMEOUT_MS = 30_000;
const READY_TIMEOUT_MS = 120_000;

const step = (text: string): void => void process.stdout.write(`${text}\n`);

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** Gives the node its own /run, /var/log and CNI cache, so that nothing it writes there reaches the host, and its addresses. */
const prepareHost = async (network: Network): Promise<void> => {
  for (const directory of ['/run', '/var/log', '/var/lib/cni']) {
    await execa('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'holdfast-node', directory]);
  }
  await mkdir('/run/netns');
  await mkdir('/run/lock');
  // For the kubelet's mount propagation.
  await execa('mount', ['--make-rshared', '/']);
  await execa('hostname', [NODE_NAME]);
  await execa('ip', ['link', 'set', 'lo', 'up']);
  await execa('ip', ['address', 'add', `${network.nodeAddress}/30`, 'dev', 'node0']);
  await execa('ip', ['link', 'set', 'node0', 'up']);
  await execa('ip', ['route', 'add', 'default', 'via', network.hostAddress]);
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
  // Absent where the kernel has the bridge's netfilter built otherwise; a Service reached from its own pod is all that needs it.
  await writeFile('/proc/sys/net/bridge/bridge-nf-call-iptables', '1').catch(() => {});
};

const prepareFiles = async (layout: Layout, network: Network, cluster: string) => {
  for (const directory of [layout.pki, layout.logs, layout.volumes, layout.cni])
    await mkdir(directory, { recursive: true });
  const [authority, signingKey] = await Promise.all([createAuthority(layout.pki), createSigningKey(layout.pki)]);
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'].map(
    (name) => `DNS:${name}`,
  );
  const addresses = ['127.0.0.1', network.nodeAddress, network.apiServiceAddress].map((address) => `IP:${address}`);
  const [serving, admin, controllerManager, scheduler, kubelet, proxy] = await Promise.all([
    authority.issue({ commonName: 'kube-apiserver', subjectAltNames: [...names, ...addresses] }),
    authority.issue({ commonName: 'admin', organizations: ['system:masters'] }),
    authority.issue({ commonName: 'system:kube-controller-manager' }),
    authority.issue({ commonName: 'system:kube-scheduler' }),
    authority.issue({
      commonName: `system:node:${NODE_NAME}`,
      organizations: ['system:nodes'],
      subjectAltNames: [`DNS:${NODE_NAME}`, `IP:${network.nodeAddress}`],
    }),
    authority.issue({ commonName: 'system:kube-proxy' }),
  ]);
  const server = `https://${network.nodeAddress}:6443`;
  const clients = { admin, 'controller-manager': controllerManager, scheduler, kubelet, proxy };
  await Promise.all(
    Object.entries(clients).map(([who, client]) =>
      writeKubeconfig(layout.kubeconfig(who), { server, authority, client }),
    ),
  );
  await Promise.all([
    writeFile(layout.containerdConfig, containerdConfig(layout)),
    writeFile(join(layout.cni, '10-pods.conflist'), cniConfig(layout, network)),
    writeFile(layout.kubeletConfig, kubeletConfig(layout, network, cluster, kubelet)),
    writeFile(layout.proxyConfig, proxyConfig(layout, network, NODE_NAME)),
    writeFile(layout.corefile, corefile(layout, network)),
    // The host's file may be a link into the /run that is hidden here.
    writeFile(layout.resolvConf, `nameserver ${network.nodeAddress}\n`),
  ]);
  return { authority, signingKey, serving, admin, server };
};

const main = async (directory: string): Promise<void> => {
  const layout = layoutOf(directory);
  // Whoever started this may have died since: then there never will be a network, and this must not stay.
  await waitUntil(() => exists(layout.settings), {
    timeoutMs: SETTINGS_TIMEOUT_MS,
    intervalMs: 50,
    describe: () => 'nobody set up the network',
  });
  const settings = nodeSettingsSchema.parse(JSON.parse(await readFile(layout.settings, 'utf8')));
  const network = networkOf(settings.slot);
  const program = (role: HyperkubeRole) => join(settings.hyperkubeDirectory, role);
  const start = (name: string, path: string, args: readonly string[]) =>
    supervise(path, args, join(layout.logs, `${name}.log`));

  step('preparing network and files');
  await prepareHost(network);
  const { authority, signingKey, serving, admin, server } = await prepareFiles(layout, network, settings.name);
  await start(
    'etcd',
    program('etcd'),
    etcdArguments({ dataDirectory: join(directory, 'etcd'), host: '127.0.0.1', ports: [2379, 2380] }),
  );
  await start('containerd', 'containerd', ['--config', layout.containerdConfig]);

  step('waiting for the apiserver');
  const extra = [
    `--kubelet-client-certificate=${admin.certificateFile}`,
    `--kubelet-client-key=${admin.keyFile}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--enable-admission-plugins=NodeRestriction',
  ];
  const apiserver = {
    bindAddress: '0.0.0.0',
    advertiseAddress: network.nodeAddress,
    securePort: 6443,
    etcdServer: 'http://127.0.0.1:2379',
    serviceCidr: network.serviceCidr,
    authority,
    serving,
    signingKey,
    extra,
  };
  await start('kube-apiserver', program('kube-apiserver'), apiserverArguments(apiserver));
  const probe = await createProbe(server, authority, admin);
  const timeoutMs = READY_TIMEOUT_MS;
  await waitUntil(() => probe('/readyz'), { timeoutMs, describe: () => 'kube-apiserver did not become ready' });

  step('waiting for the node');
  const plugins = `${directory}/volume-plugins`;
  const managerFlags = [
    `--cluster-cidr=${network.podCidr}`,
    '--allocate-node-cidrs',
    `--flex-volume-plugin-dir=${plugins}`,
  ];
  const manager = { kubeconfig: layout.kubeconfig('controller-manager'), authority, signingKey, extra: managerFlags };
  await start('kube-controller-manager', program('kube-controller-manager'), controllerManagerArguments(manager));
  await start('kube-scheduler', program('kube-scheduler'), componentArguments(layout.kubeconfig('scheduler')));
  await start('kubelet', program('kubelet'), [
    `--config=${layout.kubeletConfig}`,
    `--kubeconfig=${layout.kubeconfig('kubelet')}`,
    `--hostname-override=${NODE_NAME}`,
    `--node-ip=${network.nodeAddress}`,
    `--root-dir=${directory}/kubelet`,
    `--cert-dir=${directory}/kubelet-certificates`,
  ]);
  await start('kube-proxy', program('kube-proxy'), [`--config=${layout.proxyConfig}`]);
  await start('coredns', program('coredns'), ['-conf', layout.corefile]);

  const kubectl = (args: readonly string[], input = '') =>
    execa(program('kubectl'), [`--kubeconfig=${layout.kubeconfig('admin')}`, ...args], { input });
  await kubectl(['apply', '--filename=-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: storageClasses }));
  await kubectl(['wait', `node/${NODE_NAME}`, '--for=create', '--timeout=120s']);
  await kubectl(['wait', `node/${NODE_NAME}`, '--for=condition=Ready', '--timeout=120s']);
  const account = '/api/v1/namespaces/default/serviceaccounts/default';
  await waitUntil(() => probe(account), { timeoutMs, describe: () => 'the default service account did not appear' });

  await writeFile(layout.ready, '');
  step('ready');
  await provision(layout.kubeconfig('admin'), layout.volumes, step);
};

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: node.ts <state directory>');
await main(directory);
