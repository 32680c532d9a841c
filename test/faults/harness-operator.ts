import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startOperator, type RunningOperator } from '../support/operator/operator.ts';
import { startFaultProxy, type Decision, type RecordedRequest } from './proxy.ts';

/** Where the operator is killed: before or after its nth write, counted from 1. 0 is before it has seen anything of the change. */
export interface Kill {
  readonly side: 'before' | 'after';
  readonly write: number;
}

export const describeKill = ({ side, write }: Kill): string =>
  write === 0 ? 'killed before the change' : `killed ${side} write ${write}`;

/** The operator of one namespace, as a process of its own behind a proxy of its own, started again as often as it was killed. */
export interface Victim {
  /** Starts the operator; with a kill it dies there, counted from this start. */
  start(kill?: Kill): Promise<void>;
  /** From now on the running operator is to die there. */
  doom(kill: Kill): void;
  /** Whether the last kill that it was doomed to has come. */
  isKilled(): boolean;
  /** SIGKILL, wherever it is. */
  kill(): Promise<void>;
  /** Writes since the first start, in order, with what the API server answered. */
  writes(): readonly RecordedRequest[];
  /** Waits until it is killed, or until no write has come or was open for a while. @throws Error with the last writes when they do not end */
  quiet(quietMs: number, limitMs?: number): Promise<void>;
  /** Lines of the running operator's log that tell of trouble. */
  troubles(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

// Compiled once for all processes of the harness: half of a start is reading what others have read before.
const compileCache = join(tmpdir(), 'holdfast-test-compile-cache');
const reset: Decision = { kind: 'reset' };
const forward: Decision = { kind: 'forward' };

const isTrouble = ({ level }: Record<string, unknown>): boolean => level === 'error' || level === 'fatal';

export const createVictim = async (
  kubeconfig: string,
  namespace: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<Victim> => {
  const proxy = await startFaultProxy({ kubeconfig });
  const environment = { HOLDFAST_NAMESPACES: namespace, NODE_COMPILE_CACHE: compileCache, ...variables };
  let running: Promise<RunningOperator> | undefined;
  let killed = false;

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    // One that did not start was told of then, and has ended.
    const operator = await running?.catch(() => undefined);
    await operator?.stop(signal);
  };
  const doom = ({ side, write }: Kill): void => {
    let count = 0;
    killed = false;
    const die = async (): Promise<Decision> => {
      killed = true;
      await end('SIGKILL');
      return reset;
    };
    proxy.setDecide(({ isWrite }) => {
      // What a dying process sends beside has not been sent.
      if (killed) return reset;
      if (!isWrite || ++count !== write) return forward;
      return side === 'before' ? die() : { kind: 'forwardThen', after: die };
    });
  };
  const writes = (): readonly RecordedRequest[] => proxy.requests.filter(({ isWrite }) => isWrite);

  return {
    async start(kill) {
      killed = false;
      proxy.setDecide(() => forward);
      if (kill !== undefined) doom(kill);
      // With as many as there are lanes, a start takes its time.
      running = startOperator({ kubeconfig: proxy.kubeconfig, environment, limitMs: 60_000 });
      await running;
    },
    doom,
    isKilled: () => killed,
    kill: () => end('SIGKILL'),
    writes,
    async quiet(quietMs, limitMs = 45_000) {
      const start = Date.now();
      for (;;) {
        const all = writes();
        const isOpen = all.some(({ outcome, upstreamStatus }) => outcome === 'forward' && upstreamStatus === undefined);
        const since = Math.max(start, ...all.map(({ atMs }) => atMs));
        if (killed || (!isOpen && Date.now() - since >= quietMs)) return;
        if (Date.now() - start > limitMs) {
          const last = all.slice(-10).map(({ what, upstreamStatus }) => `${what}: ${upstreamStatus}`);
          throw new Error(`${namespace}: writes do not end; the last ones:\n${last.join('\n')}`);
        }
        await wait(50);
      }
    },
    async troubles() {
      const operator = await running;
      return [
        ...(operator?.log.filter(isTrouble) ?? []).map((line) => JSON.stringify(line)),
        ...(operator?.stray ?? []),
      ];
    },
    async stop() {
      await end('SIGTERM');
      await proxy.stop();
    },
  };
};
