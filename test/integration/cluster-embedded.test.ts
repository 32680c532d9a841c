import { access, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { type Cluster, type ClusterProvider, findCluster } from '../cluster/cluster.ts';
import { networkOf, layoutOf } from '../cluster/embedded/layout.ts';
import { readRecord } from '../cluster/embedded/record.ts';
import { BUSYBOX_IMAGE, ensureBusyboxImage, loadImages } from '../cluster/images.ts';
import { projectRoot, stateDirectory } from '../cluster/paths.ts';
import { createProgress } from '../cluster/progress.ts';

// The first start on a machine builds Kubernetes and installs packages.
const FIRST_START_MS = 30 * 60_000;
const START_MS = 180_000;

const name = `test-${process.pid}`;
const layout = layoutOf(stateDirectory(name));
const find = (which = name) => findCluster({ name: which, provider: 'embedded' });

/** What a cluster has on the machine, outside of its own directory. */
const tracesOf = async (which: { name: string; slot: number; pidNamespace: string }) => {
  const network = networkOf(which.slot);
  const directory = stateDirectory(which.name);
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const namespaces = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/ns/pid`).catch(() => '')));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  const groups = await readdir('/sys/fs/cgroup', { withFileTypes: true });
  const places = [
    '/sys/fs/cgroup',
    ...groups.filter((group) => group.isDirectory()).map(({ name }) => `/sys/fs/cgroup/${name}`),
  ];
  const inside = await Promise.all(places.map((place) => readdir(place)));
  const run = async (program: string, args: string[]) => (await execa(program, args)).stdout.split('\n');
  return {
    processes: namespaces.filter((namespace) => namespace === which.pidNamespace).length,
    commands: commands.filter((command) => command.includes(`${directory}/`)).length,
    mounts: (await readFile('/proc/mounts', 'utf8')).split('\n').filter((line) => line.includes(`${directory}/`))
      .length,
    interfaces: (await run('ip', ['-brief', 'link'])).filter((line) => line.startsWith(`${network.hostInterface}@`))
      .length,
    routes: (await run('ip', ['route'])).filter((line) => line.includes(` dev ${network.hostInterface} `)).length,
    rules: (await run('iptables-save', [])).filter((line) => /KUBE-|CNI-|198\.1[89]\./.test(line)).length,
    controlGroups: inside.flat().filter((entry) => entry === `holdfast-${which.name}`).length,
  };
};

const identityOf = async (which: string) => {
  const record = await readRecord(layoutOf(stateDirectory(which)));
  if (record?.init === undefined || record.slot === undefined) throw new Error(`${which} is not running`);
  return { name: which, slot: record.slot, pidNamespace: await readlink(`/proc/${record.init.pid}/ns/pid`) };
};

const none = { processes: 0, commands: 0, mounts: 0, interfaces: 0, routes: 0, rules: 0, controlGroups: 0 };

const nodeUid = (cluster: Cluster) => cluster.kubectl(['get', 'node/node1', '--output=jsonpath={.metadata.uid}']);

const status = async () => {
  const args = ['test/cluster/main.ts', 'status', '--provider=embedded', `--name=${name}`, '--json'];
  const { stdout } = await execa(process.execPath, args, { cwd: projectRoot });
  return JSON.parse(stdout) as unknown;
};

const claim = (claimName: string, className?: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: claimName },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '4Mi' } },
    ...(className === undefined ? {} : { storageClassName: className }),
  },
});

const SCRIPT = `
set -eu
id -u > /data/index.html
nslookup web.shop.svc.cluster.local > /data/dns
if dd if=/dev/zero of=/small/file bs=1M count=8 2> /data/full; then echo 'no limit' > /data/full; fi
exec httpd -f -p 8080 -h /data
`;

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: {
    terminationGracePeriodSeconds: 0,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65532,
      fsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: 'web',
        image: BUSYBOX_IMAGE,
        imagePullPolicy: 'Never',
        command: ['sh', '-c', SCRIPT],
        readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          readOnlyRootFilesystem: true,
        },
        volumeMounts: [
          { name: 'data', mountPath: '/data' },
          { name: 'small', mountPath: '/small' },
        ],
      },
    ],
    volumes: [
      { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
      { name: 'small', persistentVolumeClaim: { claimName: 'small' } },
    ],
  },
};

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
};

let provider: ClusterProvider;
let cluster: Cluster;

beforeAll(async () => {
  provider = await find();
  cluster = await provider.up();
}, FIRST_START_MS);

afterAll(async () => {
  await provider.down();
}, START_MS);

test('status is one JSON object', async () => {
  expect(await status()).toEqual({ provider: 'embedded', kubeconfig: cluster.kubeconfig, state: 'running' });
});

test('up again changes nothing', async () => {
  const before = await nodeUid(cluster);
  expect(await nodeUid(await provider.up())).toBe(before);
});

test('the machine itself gets no iptables rule, even while the cluster runs', async () => {
  expect(await tracesOf(await identityOf(name))).toMatchObject({ rules: 0, mounts: 0, interfaces: 1 });
});

describe('a pod under Pod Security "restricted"', () => {
  let address = '';

  beforeAll(async () => {
    await ensureBusyboxImage(createProgress());
    await loadImages(cluster, [BUSYBOX_IMAGE]);
    await cluster.kubectl(['create', 'namespace', 'shop']);
    await cluster.kubectl(['label', 'namespace', 'shop', 'pod-security.kubernetes.io/enforce=restricted']);
    const items = [claim('data'), claim('small', 'size-limited'), service, pod];
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    await cluster.kubectl(['apply', '--namespace=shop', '--filename=-'], { input });
    await cluster.kubectl(['wait', 'pod/web', '--namespace=shop', '--for=condition=Ready', '--timeout=90s']);
    address = await cluster.kubectl(['get', 'service/web', '--namespace=shop', '--output=jsonpath={.spec.clusterIP}']);
  }, START_MS);

  const page = async (path: string) => await (await fetch(`http://${address}/${path}`)).text();

  test('writes to its claim as its own user, and is reached through its Service', async () => {
    expect(await page('index.html')).toBe('65532\n');
  });

  test('resolves the names of Services', async () => {
    expect(await page('dns')).toContain(address);
  });

  test('fills a volume of limited size', async () => {
    expect(await page('full')).toContain('No space left on device');
  });

  test('has logs, and runs commands', async () => {
    expect(await cluster.kubectl(['exec', 'web', '--namespace=shop', '--', 'id', '-u'])).toBe('65532');
    expect(await cluster.kubectl(['logs', 'web', '--namespace=shop'])).toBe('');
  });

  test(
    'leaves no volume behind when its claims are deleted',
    async () => {
      expect(await readdir(layout.volumes)).toHaveLength(2);
      await cluster.kubectl(['delete', 'namespace/shop', '--timeout=90s']);
      await cluster.kubectl(['wait', 'pv', '--all', '--for=delete', '--timeout=60s']);
      expect(await readdir(layout.volumes)).toEqual([]);
    },
    START_MS,
  );
});

test(
  'a second cluster runs beside it, and goes without it',
  async () => {
    const second = await find(`${name}-b`);
    try {
      const other = await second.up();
      const [mine, its] = [await identityOf(name), await identityOf(`${name}-b`)];
      expect(its.slot).not.toBe(mine.slot);
      expect(await nodeUid(other)).not.toBe(await nodeUid(cluster));
      await second.down();
      expect(await tracesOf(its)).toEqual(none);
    } finally {
      await second.down();
    }
    expect(await cluster.kubectl(['get', '--raw=/readyz'])).toBe('ok');
  },
  START_MS,
);

test(
  'a cluster that died is told as broken, and started anew',
  async () => {
    const before = await nodeUid(cluster);
    const record = await readRecord(layout);
    process.kill(record?.init?.pid ?? Number.NaN, 'SIGKILL');
    await expect(status()).resolves.toMatchObject({ state: 'broken' });

    cluster = await provider.up();
    expect(await status()).toMatchObject({ state: 'running' });
    expect(await nodeUid(cluster)).not.toBe(before);
  },
  START_MS,
);

test(
  'down leaves nothing, and down again is harmless',
  async () => {
    const identity = await identityOf(name);
    const up = await tracesOf(identity);
    for (const trace of ['processes', 'commands', 'interfaces', 'routes', 'controlGroups'] as const) {
      expect(up[trace]).toBeGreaterThan(0);
    }

    await provider.down();
    expect(await tracesOf(identity)).toEqual(none);
    await expect(access(join(layout.directory))).rejects.toThrow('ENOENT');
    expect(await status()).toMatchObject({ state: 'stopped' });
    await provider.down();
  },
  START_MS,
);
