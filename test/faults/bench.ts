import { apiOf } from '../cluster/api.ts';
import type { ControlPlane } from '../cluster/control-plane.ts';
import { startPlaneWithCrds } from '../cluster/crds.ts';
import type { Bench } from './run.ts';

/** A bench on a control plane that is there. The one who calls closes `api`. */
export const benchOn = (kubeconfig: string): Bench => ({ kubeconfig, api: apiOf(kubeconfig) });

/** A bench on a control plane of its own, which may be restarted. */
export const startBench = async (): Promise<Bench & { plane: ControlPlane; stop(): Promise<void> }> => {
  const plane = await startPlaneWithCrds();
  const bench = benchOn(plane.kubeconfig);
  return {
    ...bench,
    plane,
    async stop() {
      bench.api.close();
      await plane.stop();
    },
  };
};

/** A line for whoever reads the run, whatever jest does with console.log. */
export const say = (line: string): void => {
  process.stdout.write(`faults: ${line}\n`);
};
