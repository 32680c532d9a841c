import { ensureHyperkube } from '../cluster/hyperkube.ts';
import { bindTool, type Tool } from '../cluster/kubectl.ts';

/** The control plane, with the CRDs in it, that tests share which neither restart it nor change what is not in their own names. */
export interface SharedPlane {
  /** The path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly kubectl: Tool;
}

/** By this variable setup.ts tells the tests, which run in processes of their own. */
export const kubeconfigVariable = 'HOLDFAST_TEST_SHARED_KUBECONFIG';

/** The one that setup.ts started. A control plane of one's own costs eight seconds of CPU. @throws Error outside of the project integration */
export const sharedPlane = async (): Promise<SharedPlane> => {
  const kubeconfig = process.env[kubeconfigVariable];
  if (kubeconfig === undefined) throw new Error(`${kubeconfigVariable} is not set: test/integration/setup.ts sets it.`);
  const hyperkube = await ensureHyperkube();
  return { kubeconfig, kubectl: bindTool(hyperkube.path('kubectl'), kubeconfig) };
};
