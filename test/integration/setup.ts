import { ensureHyperkube } from '../cluster/hyperkube.ts';
import { createProgress } from '../cluster/progress.ts';
import { startPlaneWithCrds } from '../cluster/crds.ts';
import { kubeconfigVariable } from './shared-plane.ts';
import { keep } from './teardown.ts';

/** Once before the integration tests, with progress and without a test's time limit: Kubernetes is built, where it was not before. */
export default async function setup(): Promise<void> {
  await ensureHyperkube(createProgress());
  const plane = await startPlaneWithCrds();
  keep(plane);
  process.env[kubeconfigVariable] = plane.kubeconfig;
}
