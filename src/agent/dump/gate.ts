import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseGate, type Gate } from '../../api/v1alpha1/gate.ts';
import { RunError } from '../../errors/run-error.ts';
import type { RunContext } from '../run.ts';

const pollMs = 250;

/** How far the clocks of the node and of the operator may be apart without a dump counting that was not quiesced to its end. */
const clockToleranceMs = 5000;

/** Workloads that are down for a dump. */
export interface OpenGate {
  /**
   * Waits until the operator has said, after the dump ended, that they stayed down all the time.
   * @throws RunError QuiesceFailed, QuiesceTimeout
   */
  confirm(dumpEnded: Date): Promise<void>;
}

interface GateOptions {
  /** The file in which the annotation of the pod shows. */
  readonly file: string;
  readonly waitSeconds: number;
}

type Scope = Pick<RunContext, 'signal' | 'log' | 'remainingSeconds'>;

/**
 * Waits until the operator says that the workloads have no pods left.
 * @throws RunError QuiesceFailed when it says that they cannot be stopped, QuiesceTimeout when it says nothing in time
 */
export const waitForGate = async (scope: Scope, options: GateOptions): Promise<OpenGate> => {
  scope.log.info('waiting until the workloads are down');
  const { since } = await waitUntil(scope, options, 'said that the workloads are down', () => true);
  scope.log.info('the workloads are down', { since });
  return {
    async confirm(dumpEnded) {
      const enough = dumpEnded.getTime() + clockToleranceMs;
      await waitUntil(scope, options, 'said that the workloads stayed down until the dump ended', (held) => {
        if (held.since !== since)
          throw new RunError('QuiesceFailed', 'The workloads were let go before the dump ended.');
        return Date.parse(held.asOf) >= enough;
      });
    },
  };
};

type Held = Extract<Gate, { state: 'Held' }>;

const waitUntil = async (
  { signal, remainingSeconds }: Scope,
  { file, waitSeconds }: GateOptions,
  what: string,
  isEnough: (held: Held) => boolean,
): Promise<Held> => {
  const seconds = Math.min(waitSeconds, remainingSeconds());
  const giveUp = performance.now() + seconds * 1000;
  for (;;) {
    // Kubelet replaces the file by a link: it is whole or not there.
    const gate = parseGate(await readFile(file, 'utf8').catch(() => undefined));
    if (gate?.state === 'Refused') throw new RunError('QuiesceFailed', gate.message);
    if (gate !== undefined && isEnough(gate)) return gate;
    if (performance.now() > giveUp) {
      throw new RunError('QuiesceTimeout', `The operator has not ${what} within ${seconds} s.`);
    }
    await sleep(pollMs, undefined, { signal });
  }
};
