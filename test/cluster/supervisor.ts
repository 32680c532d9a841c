import { setTimeout as sleep } from 'node:timers/promises';
import { type Server, startServer } from './server.ts';

/** A server that is started again when it ends by itself, as a kubelet does with the components it runs. */
export type Supervised = { current(): Server; stop(): Promise<void> };

const BACKOFF_MS = 1_000;

/**
 * Keeps a server running until `stop`. For components that end when they cannot reach the apiserver (the controller manager, the
 * scheduler): elsewhere something starts them again.
 */
export const supervise = async (program: string, args: readonly string[], log: string): Promise<Supervised> => {
  let server = await startServer(program, args, log);
  const stopping = new AbortController();
  const loop = async () => {
    while (!stopping.signal.aborted) {
      await server.ended;
      if (stopping.signal.aborted) return;
      await sleep(BACKOFF_MS, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      server = await startServer(program, args, log);
    }
  };
  const looping = loop();
  return {
    current: () => server,
    stop: async () => {
      stopping.abort();
      await server.stop();
      await looping;
      await server.stop();
    },
  };
};
