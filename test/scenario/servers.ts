import type { Tool } from '../cluster/kubectl.ts';
import { images } from './images.ts';
import type { ScenarioKeys } from './keys.ts';
import { applyObjects, namespaceOf, secretOf, type Manifest } from './objects.ts';

/** The real servers of the scenario: a MariaDB server beside the policy, and a backup host in a namespace of its own. */

const restricted = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  readOnlyRootFilesystem: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

interface Server {
  namespace: string;
  name: string;
  image: string;
  user: number;
  /** The first is the one that shows that it is up. */
  ports: readonly [number, ...number[]];
  env?: { name: string; value: string }[];
  /** Secret and where it is mounted. */
  secret?: { name: string; path: string };
  /** Where data is written. */
  data: string;
  command: string[];
}

const serverObjects = (server: Server): Manifest[] => {
  const { namespace, name, user, ports, secret } = server;
  const labels = { app: name };
  const probe = { tcpSocket: { port: ports[0] }, periodSeconds: 1, failureThreshold: 120 };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name },
      spec: { selector: labels, ports: ports.map((port) => ({ name: `port-${port}`, port, targetPort: port })) },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name },
      spec: {
        replicas: 1,
        strategy: { type: 'Recreate' },
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            terminationGracePeriodSeconds: 10,
            securityContext: { runAsUser: user, runAsGroup: user, fsGroup: user },
            containers: [
              {
                name: 'server',
                image: server.image,
                imagePullPolicy: 'IfNotPresent',
                args: server.command,
                env: server.env ?? [],
                ports: ports.map((containerPort) => ({ containerPort })),
                readinessProbe: probe,
                securityContext: restricted,
                volumeMounts: [
                  { name: 'data', mountPath: server.data },
                  ...(secret === undefined ? [] : [{ name: 'secret', mountPath: secret.path, readOnly: true }]),
                  { name: 'run', mountPath: '/run' },
                  { name: 'tmp', mountPath: '/tmp' },
                ],
              },
            ],
            volumes: [
              { name: 'data', emptyDir: {} },
              ...(secret === undefined
                ? []
                : [{ name: 'secret', secret: { secretName: secret.name, defaultMode: 0o440 } }]),
              { name: 'run', emptyDir: {} },
              { name: 'tmp', emptyDir: {} },
            ],
          },
        },
      },
    },
  ];
};

/** Address of the backup host inside the cluster. */
export const backupHost = { namespace: 'backup-host', name: 'backup-host', port: 2222, root: '/srv/backup' } as const;

/** Address of the MariaDB server; a namespace may have its own. */
export const mariadbName = 'mariadb';

/** Address of the InfluxDB server in a namespace. */
export const influxdbName = 'influxdb';
export const influxdbPorts = { http: 8086, rpc: 8088 } as const;

/** The git server of a namespace, and the repository on it. */
export const gitHost = { name: 'git-host', port: 2222, repository: '/srv/git/ops/ansible.git' } as const;

/** The line of known_hosts that the backup host's key makes. */
export const knownHostsLine = (
  keys: ScenarioKeys,
  host = 'backup-host.backup-host.svc',
  port: number = backupHost.port,
): string => `[${host}]:${port} ${keys.host.publicKey.split(' ').slice(0, 2).join(' ')}\n`;

const ready = async (kubectl: Tool, namespace: string, name: string): Promise<void> => {
  await kubectl(['rollout', 'status', `deployment/${name}`, '--namespace', namespace, '--timeout', '180s'], {
    timeoutMs: 200_000,
  });
};

/** Starts the backup host and waits until it listens. */
export const startBackupHost = async (kubectl: Tool, keys: ScenarioKeys): Promise<void> => {
  const { namespace, name, port, root } = backupHost;
  await applyObjects(kubectl, [namespaceOf(namespace)]);
  await applyObjects(kubectl, [
    secretOf(namespace, 'ssh', 'Opaque', {
      ssh_host_ed25519_key: keys.host.privateKey,
      authorized_keys: `${keys.client.publicKey}\n`,
    }),
    ...serverObjects({
      namespace,
      name,
      image: images.backupHost,
      user: 1500,
      ports: [port],
      secret: { name: 'ssh', path: '/etc/ssh-host' },
      data: root,
      command: [],
    }),
  ]);
  await ready(kubectl, namespace, name);
};

/** Starts a git server in a namespace and waits until it listens. It has the backup host's own host key: one for the scenario. */
export const startGitHost = async (kubectl: Tool, namespace: string, keys: ScenarioKeys): Promise<void> => {
  const { name, port } = gitHost;
  await applyObjects(kubectl, [namespaceOf(namespace)]);
  await applyObjects(kubectl, [
    secretOf(namespace, 'git-host', 'Opaque', {
      ssh_host_ed25519_key: keys.host.privateKey,
      authorized_keys: `${keys.client.publicKey}\n`,
    }),
    ...serverObjects({
      namespace,
      name,
      image: images.gitHost,
      user: 1501,
      ports: [port],
      secret: { name: 'git-host', path: '/etc/ssh-host' },
      data: '/srv/git',
      command: [],
    }),
  ]);
  await ready(kubectl, namespace, name);
};

/** Starts an InfluxDB server in a namespace and waits until it listens. */
export const startInfluxdb = async (kubectl: Tool, namespace: string): Promise<void> => {
  await applyObjects(kubectl, [namespaceOf(namespace)]);
  await applyObjects(
    kubectl,
    serverObjects({
      namespace,
      name: influxdbName,
      image: images.influxdbServer,
      user: 999,
      ports: [influxdbPorts.http, influxdbPorts.rpc],
      data: '/var/lib/influxdb',
      command: [],
    }),
  );
  await ready(kubectl, namespace, influxdbName);
};

/** Starts a MariaDB server in a namespace and waits until it listens. */
export const startMariadb = async (kubectl: Tool, namespace: string, keys: ScenarioKeys): Promise<void> => {
  await applyObjects(kubectl, [namespaceOf(namespace)]);
  await applyObjects(kubectl, [
    secretOf(namespace, 'mariadb-root', 'Opaque', { password: keys.databasePassword }),
    ...serverObjects({
      namespace,
      name: mariadbName,
      image: images.mariadb,
      user: 999,
      ports: [3306],
      env: [{ name: 'MARIADB_ROOT_PASSWORD_FILE', value: '/etc/mariadb-secret/password' }],
      secret: { name: 'mariadb-root', path: '/etc/mariadb-secret' },
      data: '/var/lib/mysql',
      command: [],
    }),
  ]);
  await ready(kubectl, namespace, mariadbName);
};
