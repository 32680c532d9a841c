import { join } from 'node:path';
import { isRecord } from '../../src/kube/types.ts';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from './control-plane.ts';
import type { Tool } from './kubectl.ts';
import { projectRoot } from './paths.ts';
import { waitUntil } from './process.ts';

const policyCrd = 'backuppolicies.holdfast.dev';

const isEstablished = ({ status }: Record<string, unknown>): boolean => {
  const conditions = isRecord(status) && Array.isArray(status['conditions']) ? status['conditions'] : [];
  return conditions.filter(isRecord).some(({ type, status }) => type === 'Established' && status === 'True');
};

/**
 * Waits until the API server serves the kind of a CRD. Not `kubectl wait`: it fails when it comes before the first condition, which a new
 * CRD has a moment later.
 */
export const untilEstablished = ({ kubectl }: { kubectl: Tool }, crd = policyCrd): Promise<void> =>
  waitUntil(async () => isEstablished(JSON.parse(await kubectl(['get', 'crd', crd, '--output=json']))), {
    timeoutMs: 30_000,
    describe: () => `the CRD ${crd} is not Established`,
  });

/** Installs the committed CRDs and waits until the API server serves them. */
export const installCrds = async (plane: { kubectl: Tool }): Promise<void> => {
  await plane.kubectl(['apply', '--server-side', '--filename', join(projectRoot, 'crds')]);
  await untilEstablished(plane);
};

/** Starts a control plane with the committed CRDs in it. Its processes would keep the test's alive: when that fails, it is stopped. */
export const startPlaneWithCrds = async (options: ControlPlaneOptions = {}): Promise<ControlPlane> => {
  const plane = await startControlPlane(options);
  try {
    await installCrds(plane);
    return plane;
  } catch (error) {
    await plane.stop();
    throw error;
  }
};
