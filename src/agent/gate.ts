import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseGate, type Gate } from '../api/v1alpha1/gate.ts';
import type { RunError } from '../errors/run-error.ts';
import type { RunContext } from './run.ts';

const pollMs = 250;

/** How far the clocks of the node and of the operator may be apart without a word of the operator's counting for another time than it is of. */
export const clockToleranceMs = 5000;

export interface GateOptions {
  /** The file in which the annotation of the pod shows. */
  readonly file: string;
  readonly waitSeconds: number;
}

export type GateScope = Pick<RunContext, 'signal' | 'log' | 'remainingSeconds'>;

export type Held = Extract<Gate, { state: 'Held' }>;
export type Refused = Extract<Gate, { state: 'Refused' }>;

/** Which word of the operator's is waited for. */
export interface Awaited {
  /** Whether this is it. @throws RunError when it is one after which that cannot come any more */
  isEnough(held: Held): boolean;
  refused(refusal: Refused): RunError;
  /** It was not said in time; the last word there was. */
  late(seconds: number, last: Held | undefined): RunError;
}

/** Waits for a word of the operator's. @throws RunError as `awaited` says */
export const waitForWord = async (
  { signal, remainingSeconds }: GateScope,
  { file, waitSeconds }: GateOptions,
  { isEnough, refused, late }: Awaited,
): Promise<Held> => {
  const seconds = Math.min(waitSeconds, remainingSeconds());
  const giveUp = performance.now() + seconds * 1000;
  for (;;) {
    // Kubelet replaces the file by a link: it is whole or not there.
    const gate = parseGate(await readFile(file, 'utf8').catch(() => undefined));
    if (gate?.state === 'Refused') throw refused(gate);
    if (gate !== undefined && isEnough(gate)) return gate;
    if (performance.now() > giveUp) throw late(seconds, gate);
    await sleep(pollMs, undefined, { signal });
  }
};
