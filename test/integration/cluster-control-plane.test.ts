import { access, readdir, readFile } from 'node:fs/promises';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';

// The first start on a machine builds Kubernetes.
const FIRST_START_MS = 30 * 60_000;

/** Processes that have a text in their command line. */
const processesWith = async (text: string): Promise<string[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(text));
};

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane({ controllerManager: true });
}, FIRST_START_MS);

afterAll(async () => {
  await plane.stop();
});

test('the API answers, in the version built', async () => {
  expect(JSON.parse(await plane.kubectl(['version', '--output=json']))).toMatchObject({
    serverVersion: { gitVersion: 'v1.35.4' },
  });
});

test('kubectl reads standard input, and its failures are told', async () => {
  await plane.kubectl(['create', '--filename=-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { b: 'c' } }),
  });
  expect(await plane.kubectl(['get', 'configmap/a', '--output=jsonpath={.data.b}'])).toBe('c');
  await expect(plane.kubectl(['get', 'configmap/none'])).rejects.toThrow(/configmaps "none" not found/);
});

test('a user has what RBAC gives, to the user and to the groups', async () => {
  const kubeconfig = await plane.kubeconfigFor('jane/doe', ['readers', 'a+b']);
  await expect(plane.kubectl(['get', 'configmaps'], { kubeconfig })).rejects.toThrow(/User "jane\/doe" cannot list/);

  await plane.kubectl(['create', 'rolebinding', 'readers', '--clusterrole=view', '--group=readers']);
  await expect(plane.kubectl(['get', 'configmaps'], { kubeconfig })).resolves.toContain('kube-root-ca.crt');
  expect(await plane.kubectl(['auth', 'whoami', '--output=json'], { kubeconfig })).toContain('a+b');
});

test('the controller manager deletes what belonged to a namespace', async () => {
  await plane.kubectl(['create', 'namespace', 'gone']);
  await plane.kubectl(['create', 'configmap', 'a', '--namespace=gone']);
  await plane.kubectl(['delete', 'namespace', 'gone', '--timeout=60s']);
  await expect(plane.kubectl(['get', 'namespace', 'gone'])).rejects.toThrow(/not found/);
}, 90_000);

test('a restart of the apiserver, or of etcd, keeps address and data', async () => {
  await plane.kubectl(['create', 'configmap', 'kept']);
  await plane.restartApiserver({ downMs: 100 });
  await expect(plane.kubectl(['get', 'configmap/kept'])).resolves.toContain('kept');
  await plane.restartEtcd({ signal: 'SIGTERM' });
  await expect(plane.kubectl(['get', 'configmap/kept'])).resolves.toContain('kept');
}, 120_000);

test('a snapshot put back takes the cluster back in time', async () => {
  const snapshot = await plane.snapshot();
  await plane.kubectl(['create', 'configmap', 'later']);
  await snapshot.restore();
  await expect(plane.kubectl(['get', 'configmap/later'])).rejects.toThrow(/not found/);
}, 120_000);

test('two at once; one stopped leaves no process and no file, and the other alone', async () => {
  const other = await startControlPlane();
  expect(other.server).not.toBe(plane.server);
  expect(await processesWith(other.directory)).toHaveLength(2);

  await other.stop();
  expect(await processesWith(other.directory)).toEqual([]);
  await expect(access(other.directory)).rejects.toThrow('ENOENT');
  expect(await plane.kubectl(['get', '--raw=/readyz'])).toBe('ok');
  await other.stop();
}, 120_000);

test('a component that cannot start is told with the end of its log', async () => {
  await expect(startControlPlane({ apiserverArguments: ['--no-such-flag'] })).rejects.toThrow(
    /apiserver ended.*unknown flag: --no-such-flag/s,
  );
}, 60_000);
