import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { type Cluster, type ClusterProvider, findCluster } from '../cluster/cluster.ts';
import { buildImages, loadImages } from '../cluster/images.ts';
import { contentLabel, findStore, imageId } from '../cluster/images/store.ts';
import { ensureDebianPackages } from '../cluster/packages.ts';
import { projectRoot } from '../cluster/paths.ts';

// Images of Debian's packages are built first.
const PREPARE_MS = 30 * 60_000;

const MARIADB = 'localhost/holdfast/mariadb-server:dev';
const BACKUP_HOST = 'localhost/holdfast/backup-host:dev';
const specs = [
  { name: MARIADB, context: join(projectRoot, 'test/images/mariadb') },
  { name: BACKUP_HOST, context: join(projectRoot, 'test/images/ssh-host') },
];

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

let provider: ClusterProvider;
let cluster: Cluster;
let directory: string;
const key = (name: string) => join(directory, name);
const kubectl = (...args: string[]) => cluster.kubectl(['--namespace=servers', ...args]);

beforeAll(async () => {
  await ensureDebianPackages(['mariadb-client', 'openssh-client', 'rsync']);
  directory = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  provider = await findCluster({ name: `test-images-${process.pid}`, provider: 'embedded' });
  cluster = await provider.up();
  await buildImages(specs);
  await loadImages(cluster, [MARIADB, BACKUP_HOST]);

  for (const name of ['host', 'client', 'stranger']) {
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key(name)]);
  }
  const hostKey = await readFile(key('host'), 'utf8');
  const authorized = await readFile(key('client.pub'), 'utf8');
  const items = [
    secretOf('mariadb', { password: PASSWORD }),
    secretOf('backup-host', { ssh_host_ed25519_key: hostKey, authorized_keys: authorized }),
    server('mariadb', MARIADB, 999, 3306, '/var/lib/mysql', '/etc/mariadb-secret'),
    server('backup-host', BACKUP_HOST, 1500, 2222, '/srv/backup', '/etc/ssh-host'),
  ];
  await cluster.kubectl(['create', 'namespace', 'servers']);
  await cluster.kubectl(['label', 'namespace', 'servers', 'pod-security.kubernetes.io/enforce=restricted']);
  await kubectl('wait', 'serviceaccount/default', '--for=create', '--timeout=60s');
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await cluster.kubectl(['--namespace=servers', 'create', '--filename=-'], { input });
  await kubectl('wait', 'pod', '--all', '--for=condition=Ready', '--timeout=100s');
}, PREPARE_MS);

afterAll(async () => {
  await provider.down();
  await rm(directory, { recursive: true, force: true });
}, 120_000);

const addressOf = (pod: string) => kubectl('get', 'pod', pod, '--output=jsonpath={.status.podIP}');

const sql = async (password: string, statement: string) => {
  const args = [
    '--no-defaults',
    '--protocol=tcp',
    `--host=${await addressOf('mariadb')}`,
    '--user=root',
    '--skip-column-names',
  ];
  const env = { MYSQL_PWD: password };
  return await execa('mariadb', [...args, '--execute', statement], { env, reject: false });
};

test('what was built from the same content is passed over', async () => {
  const store = await findStore();
  const before = [await imageId(MARIADB, store), await contentLabel(MARIADB, store)];
  expect(before[1]).toMatch(/^[0-9a-f]{32}$/);
  await buildImages(specs);
  expect([await imageId(MARIADB, store), await contentLabel(MARIADB, store)]).toEqual(before);
});

test('an image without a registry is refused', async () => {
  await expect(buildImages([{ name: 'a:1', context: directory }])).rejects.toThrow(/lacks a registry/);
});

test('an image that was never built cannot be loaded', async () => {
  await expect(loadImages(cluster, ['localhost/nosuch:1'])).rejects.toThrow(/no image localhost\/nosuch:1/);
});

test('MariaDB has its database, and only the right password opens it', async () => {
  expect((await sql(PASSWORD, 'SHOW DATABASES')).stdout.split('\n')).toContain('agama');
  expect((await sql('wrong', 'SELECT 1')).stderr).toMatch(/Access denied/);
});

const ssh = async (identity: string) => {
  const known = key('known_hosts');
  const address = await addressOf('backup-host');
  const [type = '', body = ''] = (await readFile(key('host.pub'), 'utf8')).split(' ');
  await execa('tee', [known], { input: `[${address}]:2222 ${type} ${body}\n` });
  const options = ['IdentitiesOnly=yes', 'StrictHostKeyChecking=yes', `UserKnownHostsFile=${known}`, 'BatchMode=yes'];
  return { address, args: ['-F', 'none', '-i', key(identity), ...options.flatMap((option) => ['-o', option])] };
};

describe('the backup host', () => {
  test('takes files by rsync, into the very path named', async () => {
    const { address, args } = await ssh('client');
    const shell = ['ssh', '-p', '2222', ...args].join(' ');
    const target = `backup@${address}:/srv/backup/shop/agama/`;
    await execa('rsync', ['--mkpath', '-e', shell, key('host.pub'), target]);
    const found = await kubectl('exec', 'backup-host', '--', 'cat', '/srv/backup/shop/agama/host.pub');
    expect(`${found}\n`).toBe(await readFile(key('host.pub'), 'utf8'));
  });

  test('refuses rsync outside of it', async () => {
    const { address, args } = await ssh('client');
    const shell = ['ssh', '-p', '2222', ...args].join(' ');
    const source = `backup@${address}:/srv/backup/../../etc/passwd`;
    const result = await execa('rsync', ['-e', shell, source, key('stolen')], { reject: false });
    expect(result.exitCode).not.toBe(0);
    await expect(readFile(key('stolen'))).rejects.toThrow('ENOENT');
  });

  test('answers sftp', async () => {
    const { address, args } = await ssh('client');
    const input = 'mkdir by-sftp\nls\n';
    const { stdout } = await execa('sftp', [...args, '-P', '2222', '-b', '-', `backup@${address}`], { input });
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
    const { address, args } = await ssh(identity);
    const result = await execa('ssh', [...args, '-p', '2222', `backup@${address}`, ...command], {
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
