import { generatedNotice } from './yaml.ts';
import type { Output } from './output.ts';

/** The namespace that manifests/install puts the operator into. */
export const installNamespace = 'holdfast-system';

/** What helm is called with to render the chart for manifests/install. */
export const helmArguments = (chart: string): string[] => [
  'template',
  'holdfast',
  chart,
  '--namespace',
  installNamespace,
  '--kube-version',
  '1.35.0',
];

// These say that a Helm release owns the objects, which here is not so.
const helmsOwn = /^ +(app\.kubernetes\.io\/managed-by|helm\.sh\/(chart|resource-policy)): .*\n/gm;
const emptied = /^ +annotations:\n(?=spec:)/gm;

/** The manifests for `kubectl apply --kustomize manifests/install`, from what helm rendered. Pure. */
export const installOutputs = (rendered: string): Output[] => [
  {
    path: 'manifests/install/holdfast.yaml',
    content: `# ${generatedNotice} From charts/holdfast by helm template.\n${rendered.replaceAll(helmsOwn, '').replaceAll(emptied, '').trimEnd()}\n`,
  },
  {
    path: 'manifests/install/namespace.yaml',
    content: `# ${generatedNotice}
apiVersion: v1
kind: Namespace
metadata:
  name: ${installNamespace}
  labels:
    app.kubernetes.io/name: holdfast
    pod-security.kubernetes.io/enforce: restricted
`,
  },
  {
    path: 'manifests/install/kustomization.yaml',
    content: `# ${generatedNotice}
# kubectl apply --server-side --kustomize manifests/install
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - namespace.yaml
  - holdfast.yaml
# Your own registry or tag: an overlay with \`images\` for holdfast/operator, and a patch of HOLDFAST_IMAGE_* in the Deployment.
`,
  },
];
