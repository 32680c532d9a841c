import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ApiserverInput,
  apiserverArguments,
  controllerManagerArguments,
  etcdArguments,
} from './control-plane-arguments.ts';
import { ClusterError } from './error.ts';
import { ensureHyperkube, type Hyperkube } from './hyperkube.ts';
import { bindTool, type Tool } from './kubectl.ts';
import { type Authority, type Certificate, createAuthority, createSigningKey, writeKubeconfig } from './pki.ts';
import { freePorts } from './ports.ts';
import { createProbe, type Probe } from './probe.ts';
import { waitUntil } from './process.ts';
import { createProgress, type Progress } from './progress.ts';
import { type Server, startServer, tail } from './server.ts';
import { type Supervised, supervise } from './supervisor.ts';

/** What a control plane may be given. */
export type ControlPlaneOptions = {
  /** Also run the controller manager: garbage collection, namespace deletion, CronJobs, Jobs, service accounts. Off unless told. */
  controllerManager?: boolean;
  /** More flags for kube-apiserver, after ours: the last one counts. */
  apiserverArguments?: readonly string[];
  /** More flags for kube-controller-manager. */
  controllerManagerArguments?: readonly string[];
  progress?: Progress;
};

/** How a component is restarted. */
export type RestartOptions = {
  /** SIGKILL (a crash) unless told. */
  signal?: NodeJS.Signals;
  /** Milliseconds between its end and the new start. */
  downMs?: number;
};

/** etcd and kube-apiserver as plain processes on 127.0.0.1: the API with its admission, RBAC and watches, and no nodes. */
export type ControlPlane = {
  /** The path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** `https://127.0.0.1:<port>`; stays the same through restarts. */
  readonly server: string;
  /** Data and logs (`apiserver.log`, `etcd.log`, `controller-manager.log`); removed by `stop`. */
  readonly directory: string;
  /** Runs kubectl as the administrator. */
  readonly kubectl: Tool;
  /** Runs helm as the administrator. */
  readonly helm: Tool;
  /** The path of a kubeconfig for a user with a client certificate. */
  kubeconfigFor(user: string, groups?: readonly string[]): Promise<string>;
  /** Restarts kube-apiserver; returns when it is ready again. */
  restartApiserver(options?: RestartOptions): Promise<void>;
  /** Restarts etcd; returns when kube-apiserver is ready again. */
  restartEtcd(options?: RestartOptions): Promise<void>;
  /** Does some work while the controller manager does not run; it is started again whatever becomes of the work. */
  withoutControllers(work: () => Promise<void>): Promise<void>;
  /** Stops both for a moment and copies etcd's data. */
  snapshot(): Promise<Snapshot>;
  /** Stops everything and removes its files. May be called twice. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** A copy of the whole state, to be put back as a restored backup of etcd would be: resource versions go back too. */
export type Snapshot = { restore(): Promise<void> };

const READY_TIMEOUT_MS = 90_000;
const ATTEMPTS = 3;

type Parts = {
  hyperkube: Hyperkube;
  directory: string;
  authority: Authority;
  admin: Certificate;
  etcdPorts: [number, number];
  apiserver: ApiserverInput;
  options: ControlPlaneOptions;
  probe: Probe;
};

/**
 * Starts a control plane of its own; any number can run at once, without root. It ends with this process, even when that is killed.
 *
 * @throws ClusterError when the binary cannot be built or a component does not become ready
 */
export const startControlPlane = async (options: ControlPlaneOptions = {}): Promise<ControlPlane> => {
  const progress = options.progress ?? createProgress();
  const hyperkube = await ensureHyperkube(progress);
  for (let attempt = 1; ; attempt++) {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-control-plane-'));
    try {
      return await start(await prepare(hyperkube, directory, options));
    } catch (error) {
      const logs = await Promise.all(['etcd.log', 'apiserver.log'].map((name) => tail(join(directory, name), 50)));
      await rm(directory, { recursive: true, force: true });
      // Another process was quicker to take a port: take others.
      if (attempt < ATTEMPTS && logs.some((log) => log.includes('address already in use'))) continue;
      throw error;
    }
  }
};

const prepare = async (hyperkube: Hyperkube, directory: string, options: ControlPlaneOptions): Promise<Parts> => {
  const pki = join(directory, 'pki');
  await mkdir(pki);
  const [authority, signingKey] = await Promise.all([createAuthority(pki), createSigningKey(pki)]);
  const subjectAltNames = ['IP:127.0.0.1', 'DNS:localhost', 'DNS:kubernetes.default.svc'];
  const [admin, serving, [securePort = 0, clientPort = 0, peerPort = 0]] = await Promise.all([
    authority.issue({ commonName: 'admin', organizations: ['system:masters'] }),
    authority.issue({ commonName: 'kube-apiserver', subjectAltNames }),
    freePorts(3),
  ]);
  const server = `https://127.0.0.1:${securePort}`;
  await writeKubeconfig(join(directory, 'admin.kubeconfig'), { server, authority, client: admin });
  return {
    hyperkube,
    directory,
    authority,
    admin,
    etcdPorts: [clientPort, peerPort],
    apiserver: {
      bindAddress: '127.0.0.1',
      advertiseAddress: '127.0.0.1',
      securePort,
      etcdServer: `http://127.0.0.1:${clientPort}`,
      serviceCidr: '198.19.248.0/24',
      authority,
      serving,
      signingKey,
      // Only nodes need endpoints of the apiserver's own Service, and loopback addresses are refused as endpoints.
      extra: ['--endpoint-reconciler-type=none', ...(options.apiserverArguments ?? [])],
    },
    options,
    probe: await createProbe(server, authority, admin),
  };
};

/** The running processes, by the names of their logs. */
type Servers = { [name in 'etcd' | 'apiserver']?: Server };

const start = async (parts: Parts): Promise<ControlPlane> => {
  const { directory, hyperkube, authority } = parts;
  const servers: Servers = {};
  let controllerManager: Supervised | undefined;
  const kubeconfig = join(directory, 'admin.kubeconfig');
  const server = `https://127.0.0.1:${parts.apiserver.securePort}`;
  const data = join(directory, 'etcd');
  const log = (name: keyof Servers | 'controller-manager') => join(directory, `${name}.log`);

  const startEtcd = async () => {
    const args = etcdArguments({ dataDirectory: data, host: '127.0.0.1', ports: parts.etcdPorts });
    servers.etcd = await startServer(hyperkube.path('etcd'), args, log('etcd'));
  };
  const startApiserver = async () => {
    servers.apiserver = await startServer(
      hyperkube.path('kube-apiserver'),
      apiserverArguments(parts.apiserver),
      log('apiserver'),
    );
  };
  const startControllerManager = async () => {
    const args = controllerManagerArguments({
      kubeconfig,
      authority,
      signingKey: parts.apiserver.signingKey,
      extra: [
        '--secure-port=0',
        `--flex-volume-plugin-dir=${join(directory, 'flex')}`,
        ...(parts.options.controllerManagerArguments ?? []),
      ],
    });
    controllerManager = await supervise(hyperkube.path('kube-controller-manager'), args, log('controller-manager'));
  };
  const halt = async (name: keyof Servers, options: RestartOptions = {}) => {
    await servers[name]?.stop(options.signal);
    if (options.downMs !== undefined) await new Promise((resolve) => setTimeout(resolve, options.downMs));
  };
  const dead = () => Object.entries(servers).find(([, running]) => !running.running())?.[0];
  const ready = (resource = '/api/v1/namespaces/default') =>
    waitUntil(
      async () => {
        const name = dead();
        if (name !== undefined) throw await notReady(name, directory, `${name} ended`);
        return (await parts.probe('/readyz')) && (await parts.probe(resource));
      },
      {
        timeoutMs: READY_TIMEOUT_MS,
        describe: async () => (await notReady('apiserver', directory, 'kube-apiserver did not become ready')).message,
      },
    );
  const stopAll = async () => {
    await controllerManager?.stop();
    await Promise.all(Object.values(servers).map((running) => running.stop()));
  };
  const stop = async () => {
    await stopAll();
    await rm(directory, { recursive: true, force: true });
  };

  try {
    await startEtcd();
    await startApiserver();
    await ready();
    if (parts.options.controllerManager === true) {
      await startControllerManager();
      await ready('/api/v1/namespaces/default/serviceaccounts/default');
    }
  } catch (error) {
    await stopAll();
    throw error;
  }

  const replaceData = async (from: string, to: string) => {
    await halt('apiserver');
    await halt('etcd');
    await rm(to, { recursive: true, force: true });
    await cp(from, to, { recursive: true });
    await startEtcd();
    await startApiserver();
    await ready();
  };
  let minted = 0;
  return {
    kubeconfig,
    server,
    directory,
    kubectl: bindTool(hyperkube.path('kubectl'), kubeconfig),
    helm: bindTool(hyperkube.path('helm'), kubeconfig),
    kubeconfigFor: async (user, groups = []) => {
      const client = await authority.issue({ commonName: user, organizations: groups });
      minted += 1;
      return await writeKubeconfig(join(directory, `user-${minted}.kubeconfig`), { server, authority, client });
    },
    restartApiserver: async (options) => {
      await halt('apiserver', options);
      await startApiserver();
      await ready();
    },
    restartEtcd: async (options) => {
      await halt('etcd', options);
      await startEtcd();
      await ready();
    },
    withoutControllers: async (work) => {
      await controllerManager?.stop();
      try {
        await work();
      } finally {
        await startControllerManager();
      }
    },
    snapshot: async () => {
      const copy = await mkdtemp(join(directory, 'snapshot-'));
      await replaceData(data, join(copy, 'etcd'));
      return { restore: () => replaceData(join(copy, 'etcd'), data) };
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
};

const notReady = async (name: string, directory: string, what: string): Promise<ClusterError> =>
  new ClusterError(
    `${what}. The end of its log:\n${await tail(join(directory, `${name}.log`))}`,
    'Start it again; if it fails in the same way, the lines above say why.',
  );
