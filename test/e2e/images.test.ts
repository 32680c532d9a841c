import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Cluster } from '../cluster/cluster.ts';
import { buildImages, loadImages } from '../cluster/images.ts';
import { contentLabel, findStore, imageId } from '../cluster/images/store.ts';
import { ensureDebianPackages } from '../cluster/packages.ts';
import { images, serverSpecs } from '../scenario/images.ts';
import { forwardPort, type PortForward } from './port-forward.ts';
import { e2eStage } from './stage.ts';

// The images of the servers, and what they promise: run as other tests use them, with every capability dropped.

// Characters that a shell, or SQL, would read otherwise.
const PASSWORD = String.raw`p'a"s\s $(id) ;`;

const server = (name: string, image: string, user: number, port: number, data: string, secret: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 60,
    securityContext: { runAsNonRoot: true, runAsUser: user, fsGroup: user, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name,
        image,
        imagePullPolicy: 'Never',
        env: [
          { name: 'MARIADB_ROOT_PASSWORD_FILE', value: `${secret}/password` },
          { name: 'MARIADB_DATABASE', value: 'agama' },
        ],
        readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          readOnlyRootFilesystem: true,
        },
        volumeMounts: [
          { name: 'data', mountPath: data },
          { name: 'secret', mountPath: secret, readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: 'data', emptyDir: {} },
      { name: 'secret', secret: { secretName: name, defaultMode: 0o440 } },
    ],
  },
});

const secretOf = (name: string, stringData: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  stringData,
});

let cluster: Cluster;
let directory: string;
let backupHost: PortForward;
const key = (name: string) => join(directory, name);
const kubectl = (...args: string[]) => cluster.kubectl(['--namespace=servers', ...args]);

beforeAll(async () => {
  await ensureDebianPackages(['openssh-client', 'rsync']);
  directory = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  ({ cluster } = await e2eStage());

  for (const name of ['host', 'client', 'stranger']) {
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key(name)]);
  }
  const hostKey = await readFile(key('host'), 'utf8');
  const authorized = await readFile(key('client.pub'), 'utf8');
  const items = [
    secretOf('mariadb', { password: PASSWORD }),
    secretOf('backup-host', { ssh_host_ed25519_key: hostKey, authorized_keys: authorized }),
    server('mariadb', images.mariadb, 999, 3306, '/var/lib/mysql', '/etc/mariadb-secret'),
    server('backup-host', images.backupHost, 1500, 2222, '/srv/backup', '/etc/ssh-host'),
  ];
  await cluster.kubectl(['create', 'namespace', 'servers']);
  await cluster.kubectl(['label', 'namespace', 'servers', 'pod-security.kubernetes.io/enforce=restricted']);
  await kubectl('wait', 'serviceaccount/default', '--for=create', '--timeout=60s');
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await cluster.kubectl(['--namespace=servers', 'create', '--filename=-'], { input });
  await kubectl('wait', 'pod', '--all', '--for=condition=Ready', '--timeout=100s');
  backupHost = await forwardPort(cluster, 'servers', 'pod/backup-host', 2222);
}, 180_000);

afterAll(async () => {
  await backupHost?.stop();
  await cluster?.kubectl(['delete', 'namespace', 'servers', '--ignore-not-found', '--wait=false']);
  await rm(directory, { recursive: true, force: true });
});

// From inside the pod, but over the network: on the loopback the server takes root for its own.
const sql = async (password: string, statement: string): Promise<string> => {
  const address = await kubectl('get', 'pod', 'mariadb', '--output=jsonpath={.status.podIP}');
  const client = ['mariadb', '--no-defaults', '--protocol=tcp', `--host=${address}`, '--user=root'];
  const command = ['env', `MYSQL_PWD=${password}`, ...client, '--skip-column-names', '--execute', statement];
  return kubectl('exec', 'mariadb', '--', ...command);
};

test('what was built from the same content is passed over', async () => {
  const store = await findStore();
  const before = [await imageId(images.mariadb, store), await contentLabel(images.mariadb, store)];
  expect(before[1]).toMatch(/^[0-9a-f]{32}$/);
  await buildImages(serverSpecs);
  expect([await imageId(images.mariadb, store), await contentLabel(images.mariadb, store)]).toEqual(before);
});

test('an image without a registry is refused', async () => {
  await expect(buildImages([{ name: 'a:1', context: directory }])).rejects.toThrow(/lacks a registry/);
});

test('an image that was never built cannot be loaded', async () => {
  await expect(loadImages(cluster, ['localhost/nosuch:1'])).rejects.toThrow(/no image localhost\/nosuch:1/);
});

test('MariaDB has its database, and only the right password opens it', async () => {
  expect((await sql(PASSWORD, 'SHOW DATABASES')).split('\n')).toContain('agama');
  await expect(sql('wrong', 'SELECT 1')).rejects.toThrow(/Access denied/);
});

const ssh = async (identity: string) => {
  const known = key('known_hosts');
  const port = String(backupHost.port);
  const [type = '', body = ''] = (await readFile(key('host.pub'), 'utf8')).split(' ');
  await execa('tee', [known], { input: `[127.0.0.1]:${port} ${type} ${body}\n` });
  const options = ['IdentitiesOnly=yes', 'StrictHostKeyChecking=yes', `UserKnownHostsFile=${known}`, 'BatchMode=yes'];
  return { port, args: ['-F', 'none', '-i', key(identity), ...options.flatMap((option) => ['-o', option])] };
};

describe('the backup host', () => {
  test('takes files by rsync, into the very path named', async () => {
    const { port, args } = await ssh('client');
    const shell = ['ssh', '-p', port, ...args].join(' ');
    const target = `backup@127.0.0.1:/srv/backup/shop/agama/`;
    await execa('rsync', ['--mkpath', '-e', shell, key('host.pub'), target]);
    const found = await kubectl('exec', 'backup-host', '--', 'cat', '/srv/backup/shop/agama/host.pub');
    expect(`${found}\n`).toBe(await readFile(key('host.pub'), 'utf8'));
  });

  test('refuses rsync outside of it', async () => {
    const { port, args } = await ssh('client');
    const shell = ['ssh', '-p', port, ...args].join(' ');
    const source = `backup@127.0.0.1:/srv/backup/../../etc/passwd`;
    const result = await execa('rsync', ['-e', shell, source, key('stolen')], { reject: false });
    expect(result.exitCode).not.toBe(0);
    await expect(readFile(key('stolen'))).rejects.toThrow('ENOENT');
  });

  test('answers sftp', async () => {
    const { port, args } = await ssh('client');
    const input = 'mkdir by-sftp\nls\n';
    const { stdout } = await execa('sftp', [...args, '-P', port, '-b', '-', `backup@127.0.0.1`], { input });
    expect(stdout).toContain('by-sftp');
  });

  test.each([
    {
      identity: 'client',
      command: ['id'],
      said: /invalid rsync-command|SSH_ORIGINAL_COMMAND/i,
      reason: 'no other command',
    },
    { identity: 'client', command: [], said: /SSH_ORIGINAL_COMMAND|invalid|Not invoked/i, reason: 'no shell' },
    { identity: 'stranger', command: ['id'], said: /Permission denied \(publickey\)/, reason: 'no other key' },
  ])('$reason', async ({ identity, command, said }) => {
    const { port, args } = await ssh(identity);
    const result = await execa('ssh', [...args, '-p', port, `backup@127.0.0.1`, ...command], {
      reject: false,
      stdin: 'ignore',
    });
    expect(result.exitCode).not.toBe(0);
    expect(result.stdout).not.toContain('uid=');
    expect(result.stderr).toMatch(said);
  });
});

test('both stop when asked to, long before they would be killed', async () => {
  await kubectl('delete', 'pod', '--all', '--timeout=30s');
  expect(await kubectl('get', 'pods', '--output=name')).toBe('');
}, 60_000);
