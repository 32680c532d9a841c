import { ensureHyperkube } from '../cluster/hyperkube.ts';
import { createProgress } from '../cluster/progress.ts';

/** Once before the tests of faults, with progress and without a test's time limit: Kubernetes is built, where it was not before. */
export default async function setup(): Promise<void> {
  await ensureHyperkube(createProgress());
}
