import { on } from 'node:events';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import type { Cluster } from '../cluster/cluster.ts';
import { silentProgress } from '../cluster/progress.ts';
import { findTool } from '../cluster/tools.ts';

/** A way from this machine's loopback to a port inside the cluster. */
export interface PortForward {
  readonly port: number;
  stop(): Promise<void>;
}

/** Forwards a free port of 127.0.0.1 to `target` (`deployment/name`) by kubectl. @throws Error with what kubectl said */
export const forwardPort = async (
  { kubeconfig }: Cluster,
  namespace: string,
  target: string,
  port: number,
): Promise<PortForward> => {
  const kubectl = await findTool('kubectl', silentProgress);
  const args = ['port-forward', '--namespace', namespace, target, `:${port}`, '--address', '127.0.0.1'];
  const forward = execa(kubectl, args, { env: { KUBECONFIG: kubeconfig }, reject: false, stdin: 'ignore' });
  const stop = async (): Promise<void> => {
    forward.kill();
    await forward;
  };
  // Not execa's own iterable: leaving that waits for the end of the process.
  for await (const [line] of on(createInterface({ input: forward.stdout }), 'line', { close: ['close'] })) {
    const local = /^Forwarding from 127\.0\.0\.1:(\d+) /.exec(String(line))?.[1];
    if (local !== undefined) return { port: Number(local), stop };
  }
  throw new Error(`kubectl forwards no port to ${target}: ${(await forward).stderr}`);
};
