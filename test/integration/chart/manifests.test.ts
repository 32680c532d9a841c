import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { helmArguments, installOutputs } from '../../../src/crd/install.ts';
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts';
import { projectRoot } from '../../cluster/paths.ts';
import { untilEstablished } from '../../cluster/crds.ts';
import { documents, type JsonObject } from '../api/support.ts';
import { chart, manifests, namespace } from './support.ts';

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
}, 180_000);

afterAll(() => plane?.stop());

test('manifests/install is what `npm run generate` writes: run it again after a change of the chart', async () => {
  const outputs = installOutputs(await plane.helm(helmArguments(chart)));
  const committed = await readdir(join(manifests, 'install'));
  expect(committed.toSorted()).toEqual(outputs.map(({ path }) => path.replace('manifests/install/', '')).toSorted());
  for (const { path, content } of outputs) expect(await readFile(join(projectRoot, path), 'utf8')).toBe(content);
});

test('manifests/install does not say that Helm owns what it makes', async () => {
  expect(await readFile(join(manifests, 'install/holdfast.yaml'), 'utf8')).not.toMatch(/managed-by: Helm|helm\.sh\//);
});

test('kubectl apply --kustomize manifests/install installs everything', async () => {
  const kustomization = join(manifests, 'install');
  const applied = await plane.kubectl(['apply', '--server-side', '--kustomize', kustomization]);
  expect(applied).toContain(`namespace/${namespace} serverside-applied`);
  expect(applied).toContain('deployment.apps/holdfast serverside-applied');
  await untilEstablished(plane);
  const again = await plane.kubectl(['apply', '--server-side', '--dry-run=server', '--kustomize', kustomization]);
  expect(again.split('\n').length).toBe(applied.split('\n').length);
});

const samples = await readdir(join(manifests, 'samples'));

test.each(samples.map((name) => ({ name })))(
  'the API server takes the sample $name, which uses nothing that does nothing yet',
  async ({ name }) => {
    const text = await readFile(join(manifests, 'samples', name), 'utf8');
    for (const document of documents(text)) {
      const { metadata } = document as { metadata: JsonObject };
      const target = String(metadata['namespace']);
      await plane.kubectl(['create', 'namespace', target]).catch((error: unknown) => {
        if (!String(error).includes('already exists')) throw error;
      });
    }
    expect(
      await plane.kubectl([
        'apply',
        '--server-side',
        '--dry-run=server',
        '--filename',
        join(manifests, 'samples', name),
      ]),
    ).toContain('serverside-applied');
    for (const field of ['quiesce', 'podTemplate', 'egressCIDRs', 'window', 'tls']) {
      expect(text).not.toMatch(new RegExp(`^ *${field}:`, 'm'));
    }
  },
);
