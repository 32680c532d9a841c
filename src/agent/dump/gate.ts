import { RunError } from '../../errors/run-error.ts';
import { clockToleranceMs, waitForWord, type Awaited, type GateOptions, type GateScope } from '../gate.ts';

/** Workloads that are down for a dump. */
export interface OpenGate {
  /**
   * Waits until the operator has said, after the dump ended, that they stayed down all the time.
   * @throws RunError QuiesceFailed, QuiesceTimeout
   */
  confirm(dumpEnded: Date): Promise<void>;
}

/**
 * Waits until the operator says that the workloads have no pods left.
 * @throws RunError QuiesceFailed when it says that they cannot be stopped, QuiesceTimeout when it says nothing in time
 */
export const waitForGate = async (scope: GateScope, options: GateOptions): Promise<OpenGate> => {
  scope.log.info('waiting until the workloads are down');
  const { since } = await waitForWord(scope, options, {
    ...wordOf('said that the workloads are down'),
    isEnough: () => true,
  });
  scope.log.info('the workloads are down', { since });
  return {
    async confirm(dumpEnded) {
      const enough = dumpEnded.getTime() + clockToleranceMs;
      await waitForWord(scope, options, {
        ...wordOf('said that the workloads stayed down until the dump ended'),
        isEnough(held) {
          if (held.since !== since)
            throw new RunError('QuiesceFailed', 'The workloads were let go before the dump ended.');
          return Date.parse(held.asOf) >= enough;
        },
      });
    },
  };
};

const wordOf = (what: string): Pick<Awaited, 'refused' | 'late'> => ({
  refused: ({ message }) => new RunError('QuiesceFailed', message),
  late: (seconds) => new RunError('QuiesceTimeout', `The operator has not ${what} within ${seconds} s.`),
});
