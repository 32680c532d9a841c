import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { KubeConfig } from '@kubernetes/client-node';
import { execa } from 'execa';
import { startControlPlane, type ControlPlane } from '../../cluster/control-plane.ts';
import { fieldManager } from '../../../src/kube/apply.ts';
import { createClient, type KubeClient } from '../../../src/kube/client.ts';
import { createObject, deleteObject, getObject } from '../../../src/kube/objects.ts';
import { createTransport } from '../../../src/kube/transport.ts';
import { clientOf, configMap, configMaps, eventually } from './support.ts';

let plane: ControlPlane;
let client: KubeClient;

beforeAll(async () => {
  plane = await startControlPlane();
  client = clientOf(plane.kubeconfig);
}, 120_000);

afterAll(async () => {
  client?.close();
  await plane?.stop();
});

/** Started, and killed with the test whatever happens. */
function startProcess() {
  const run = execa(process.execPath, [join(import.meta.dirname, 'manager-process.ts')], {
    env: { KUBECONFIG: plane.kubeconfig },
    reject: false,
    all: true,
    stdin: 'ignore',
  });
  let output = '';
  run.all?.on('data', (chunk) => (output += String(chunk)));
  return { run, output: () => output, port: () => /^listening (\d+)$/m.exec(output)?.[1] };
}

const copyOf = (name: string) => getObject(client, configMaps, { namespace: 'default', name: `${name}-copy` });

test('keeps the world as desired through a restart of the API server, settles, and ends by itself when told to', async () => {
  const { run, output, port } = startProcess();
  try {
    const scrape = async (path: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${port()}${path}`, { headers: { connection: 'close' } });
    await eventually('the health server', () => port() !== undefined);
    await eventually('ready', async () => (await scrape('/readyz')).ok);

    await createObject(client, configMaps, configMap('first', {}, { copy: 'yes' }), { fieldManager });
    await eventually('a copy', async () => (await copyOf('first')) !== undefined);
    await plane.kubectl([
      'patch',
      'configmap',
      'first-copy',
      '--type=merge',
      '--patch',
      '{"data":{"from":"somebody"}}',
    ]);
    const copied = async (): Promise<unknown> => (await copyOf('first'))?.['data'];
    await eventually('drift undone', async () => JSON.stringify(await copied()) === '{"from":"first"}');
    await deleteObject(client, configMaps, { namespace: 'default', name: 'first-copy' });
    await eventually('a deleted copy made again', async () => (await copyOf('first')) !== undefined);

    await plane.restartApiserver();
    await createObject(client, configMaps, configMap('second', {}, { copy: 'yes' }), { fieldManager });
    await eventually('a copy after the restart', async () => (await copyOf('second')) !== undefined, 60_000);
    expect((await scrape('/healthz')).status).toBe(200);

    const writes = async (): Promise<string[]> =>
      (await (await scrape('/metrics')).text())
        .split('\n')
        .filter((line) => /^holdfast_api_requests_total\{verb="(PATCH|POST)"/.test(line));
    await eventually('all events written', async () => (await writes()).length > 1);
    const before = await writes();
    await new Promise((resolve) => {
      setTimeout(resolve, 2000);
    });
    expect(await writes()).toEqual(before);

    run.kill('SIGTERM');
    const ended = await Promise.race([
      run.then(({ exitCode }) => exitCode),
      new Promise((resolve) => {
        setTimeout(resolve, 15_000, 'still running 15 s after SIGTERM').unref();
      }),
    ]);
    expect(ended).toBe(0);
    expect(output()).toContain('ended stopped');
  } finally {
    run.kill('SIGKILL');
    await run;
  }
}, 180_000);

/** Whom the API server takes this client for. */
const whoAmI = (asking: KubeClient): Promise<unknown> =>
  asking.request({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });

test('in a pod: the mounted token and CA are used, and a wrong CA is refused', async () => {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-pod-'));
  const mount = join(root, 'var/run/secrets/kubernetes.io/serviceaccount');
  const [host, port] = [process.env['KUBERNETES_SERVICE_HOST'], process.env['KUBERNETES_SERVICE_PORT']];
  const clients: KubeClient[] = [];
  try {
    await plane.kubectl(['create', 'serviceaccount', 'holdfast']);
    await mkdir(mount, { recursive: true });
    const admin = new KubeConfig();
    admin.loadFromFile(plane.kubeconfig);
    const cluster = admin.getCurrentCluster();
    const ca = await plane.kubectl([
      'config',
      'view',
      '--raw',
      '--flatten',
      '--output=jsonpath={.clusters[0].cluster.certificate-authority-data}',
    ]);
    await writeFile(join(mount, 'ca.crt'), Buffer.from(ca, 'base64'));
    await writeFile(join(mount, 'token'), `${await plane.kubectl(['create', 'token', 'holdfast'])}\n`);
    const server = new URL(cluster?.server ?? '');
    process.env['KUBERNETES_SERVICE_HOST'] = server.hostname;
    process.env['KUBERNETES_SERVICE_PORT'] = server.port;
    const inPod = (): KubeClient => {
      const config = new KubeConfig();
      config.loadFromCluster(root);
      const made = createClient({ transport: createTransport(config) });
      clients.push(made);
      return made;
    };
    expect(await whoAmI(inPod())).toMatchObject({
      status: { userInfo: { username: 'system:serviceaccount:default:holdfast' } },
    });

    await writeFile(join(mount, 'ca.crt'), rootCertificates[0] ?? '');
    await expect(whoAmI(inPod())).rejects.toThrow(/certificate/i);
  } finally {
    for (const made of clients) made.close();
    for (const [name, value] of Object.entries({ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await rm(root, { recursive: true });
  }
}, 60_000);
