import { join } from 'node:path';
import type { Tool } from '../cluster/kubectl.ts';
import { projectRoot } from '../cluster/paths.ts';

/** Installs the committed CRDs and waits until the API server serves them. */
export const installCrds = async ({ kubectl }: { kubectl: Tool }): Promise<void> => {
  await kubectl(['apply', '--server-side', '--filename', join(projectRoot, 'crds')]);
  await kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd/backuppolicies.holdfast.dev']);
};
