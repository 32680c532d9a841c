import { startFaultProxy, type FaultProxy, type RecordedRequest } from '../../faults/proxy.ts';
import type { RunningOperator } from '../../support/operator/operator.ts';
import { readMetrics, sumOf } from '../operator/metrics.ts';
import { launchOperator, type Program } from '../operator/process.ts';
import type { Storm } from './storm.ts';
import { rounded } from '../operator/figures.ts';

/** The operator as the image runs it, behind a proxy. */
export interface Subject {
  readonly operator: RunningOperator;
  readonly proxy: FaultProxy;
  /** Rejects when the process ends, which it must not. */
  readonly ended: Promise<never>;
  /** What it wrote so far, the Lease left out. */
  writes(): { done: number; refused: number; lastMs: number };
  /** V8's heap in use, in MiB. */
  heapUsedMiB(): Promise<number>;
  /** When the process was started, by itself, in seconds: another is another process. */
  startedAt(): Promise<number>;
  stop(): Promise<void>;
}

const isWrite = ({ isWrite, path }: RecordedRequest): boolean => isWrite && !path.includes('/leases/');

/** Starts the operator where the storm will be: no fault strikes before one is brewed. */
export const startSubject = async (
  kubeconfig: string,
  program: Program,
  { decide, watch }: Storm,
): Promise<Subject> => {
  const proxy = await startFaultProxy({ kubeconfig, decide, watch });
  const operator = await launchOperator(proxy.kubeconfig, program).catch(async (error: unknown) => {
    await proxy.stop();
    throw error;
  });
  const ended = operator.ended.then((code): never => {
    const last = operator.log.slice(-10).map((line) => JSON.stringify(line));
    throw new Error(
      `the operator ended with status ${code}; its last words:\n${[...last, ...operator.stray].join('\n')}`,
    );
  });
  // Whoever races against it hears of it; after the end nobody does.
  ended.catch(() => {});
  const metric = async (name: string): Promise<number> => sumOf(await readMetrics(operator.url), name);
  return {
    operator,
    proxy,
    ended,
    writes() {
      const all = proxy.requests.filter(isWrite);
      const answered = all.filter(({ upstreamStatus }) => upstreamStatus !== undefined);
      const refused = answered.filter(({ upstreamStatus = 0 }) => upstreamStatus >= 300).length;
      return { done: answered.length - refused, refused, lastMs: all.at(-1)?.atMs ?? 0 };
    },
    heapUsedMiB: async () => rounded((await metric('nodejs_heap_size_used_bytes')) / 1024 ** 2),
    startedAt: () => metric('process_start_time_seconds'),
    async stop() {
      await operator.stop();
      await proxy.stop();
    },
  };
};
