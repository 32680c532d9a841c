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
  const forward = execa(kubectl, args, { env: { KUBECONFIG: kubeconfig }, reject: false, all: true, stdin: 'ignore' });
  const stop = async (): Promise<void> => {
    forward.kill();
    await forward;
  };
  for await (const line of forward.iterable({ from: 'all', preserveNewlines: false })) {
    const local = /^Forwarding from 127\.0\.0\.1:(\d+) /.exec(line)?.[1];
    if (local !== undefined) return { port: Number(local), stop };
  }
  throw new Error(`kubectl forwards no port to ${target}: ${(await forward).all}`);
};
