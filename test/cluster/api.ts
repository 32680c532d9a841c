import { KubeConfig } from '@kubernetes/client-node';
import { createClient, type KubeClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { createLimiter } from '../../src/kube/limiter.ts';
import { createTransport } from '../../src/kube/transport.ts';

/**
 * A client for tests: the operator's own, without its pace. What is looked at again and again is asked with it, since starting kubectl
 * takes ten times as long as the answer.
 */
export const apiOf = (kubeconfig: string): KubeClient => {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const limiter = createLimiter({ clock: systemClock, perSecond: 1000, burst: 1000, parallel: 8 });
  return createClient({ transport: createTransport(config), limiter, userAgent: 'holdfast-test' });
};
