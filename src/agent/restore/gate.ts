import { readFileSync } from 'node:fs';
import { parseGate } from '../../api/v1alpha1/gate.ts';
import { timestamp } from '../../base/times.ts';
import { RunError } from '../../errors/run-error.ts';
import { clockToleranceMs, waitForWord, type GateOptions, type GateScope, type Held, type Refused } from '../gate.ts';
import type { RunContext } from '../run.ts';

/** The operator says every few seconds that the workloads are still down: a word that is older is one of an operator that is gone. */
const freshMs = 15_000;

/** Whether the operator has just seen, by the clock of this node, that the workloads are down. One of the future is of another clock. Pure. */
export const isFresh = ({ asOf }: Pick<Held, 'asOf'>, now: Date): boolean => {
  const age = now.getTime() - Date.parse(asOf);
  return age <= freshMs + clockToleranceMs && age >= -clockToleranceMs;
};

/** The word that there was, for who has to find out why it did not count. */
const lastWord = (last: Held | undefined, now: Date): string => {
  if (last === undefined) return '';
  return ` (its last word is of ${last.asOf}, and by the clock of this node it is ${timestamp(now)}: it must be of the last ${freshMs / 1000} s)`;
};

const refused = ({ message, cancelled }: Refused): RunError =>
  new RunError(cancelled === true ? 'RestoreCancelled' : 'QuiesceFailed', message);

/**
 * Makes sure at this very moment, without waiting, that data may be replaced: what is made ready before may have taken long.
 * @throws RunError RestoreCancelled, QuiesceFailed, QuiesceTimeout
 */
export const checkLeave = (file: string, now: Date): void => {
  const gate = parseGate(textOf(file));
  if (gate?.state === 'Refused') throw refused(gate);
  if (gate !== undefined && isFresh(gate, now)) return;
  throw new RunError(
    'QuiesceTimeout',
    `When the data was to be replaced, the operator had not just said that it may be${lastWord(gate, now)}.`,
  );
};

const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

/**
 * Waits until the operator says that data may be replaced: that the workloads are down now, and not that they were once.
 * @throws RunError RestoreCancelled, QuiesceFailed when it says that they are not down, QuiesceTimeout when it says nothing in time
 */
export const waitForLeave = async (scope: GateScope & Pick<RunContext, 'now'>, options: GateOptions): Promise<void> => {
  await waitForWord(scope, options, {
    isEnough: (held) => isFresh(held, scope.now()),
    refused,
    late: (seconds, last) =>
      new RunError(
        'QuiesceTimeout',
        `The operator has not said within ${seconds} s that data may be replaced${lastWord(last, scope.now())}.`,
      ),
  });
};
