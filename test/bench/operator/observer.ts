import { isRecord, keyOf, type KubeObject } from '../../../src/kube/types.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { createLogger } from '../../../src/kube/logger.ts';
import { createReflector } from '../../../src/kube/reflector.ts';
import { resources } from '../../../src/policy/resources.ts';

interface Seen {
  key: string;
  ready: boolean;
  runs: readonly string[];
}

const project = ({ metadata, status }: KubeObject): Seen => {
  const { conditions, lastRuns } = isRecord(status) ? status : {};
  const entries = (list: unknown) => (Array.isArray(list) ? list.filter(isRecord) : []);
  return {
    key: keyOf(metadata),
    ready: entries(conditions).some(({ type, status }) => type === 'Ready' && status === 'True'),
    runs: entries(lastRuns).map(({ jobName }) => String(jobName)),
  };
};

/** Watches the policies as a person's tools would, beside the operator. */
export interface Observer {
  /** How many are Ready. */
  ready(): number;
  /** Resolves, with the time on the monotonic clock, when so many are Ready. */
  whenReady(count: number): Promise<number>;
  /** Resolves, with the time on the monotonic clock, when the status of any policy tells of the run. */
  whenTold(jobName: string): Promise<number>;
  stop(): Promise<void>;
}

/** Starts watching; resolves when everything that is there has been seen. */
export const observePolicies = async (client: KubeClient): Promise<Observer> => {
  const ready = new Set<string>();
  const awaited = new Map<string, (atMs: number) => void>();
  let enough: { count: number; resolve: (atMs: number) => void } | undefined;
  const reflector = createReflector<Seen>({
    client,
    type: resources.policy,
    project,
    logger: createLogger({ level: 'warn' }),
  });
  reflector.onEvent(({ object }) => {
    if (object.ready) ready.add(object.key);
    else ready.delete(object.key);
    if (enough !== undefined && ready.size >= enough.count) enough.resolve(performance.now());
    for (const run of object.runs) awaited.get(run)?.(performance.now());
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  await reflector.synced;
  return {
    ready: () => ready.size,
    whenReady: (count) =>
      new Promise((resolve) => {
        enough = { count, resolve };
        if (ready.size >= count) resolve(performance.now());
      }),
    whenTold: (jobName) =>
      new Promise((resolve) => {
        awaited.set(jobName, (atMs) => {
          awaited.delete(jobName);
          resolve(atMs);
        });
      }),
    async stop() {
      stop.abort(new Error('the benchmark is over'));
      await running;
    },
  };
};
