import { setTimeout as wait } from 'node:timers/promises';
import type { KubeClient } from '../../src/kube/client.ts';
import { runInProcess, type Patience } from '../support/operator/in-process.ts';
import { strike, type FaultAt } from './calls.ts';
import { startFaultProxy, type RecordedRequest } from './proxy.ts';
import { policyScenario, type Step } from './scenario.ts';
import { createStage } from './stage.ts';
import { differencesOf, withoutGenerations, type State } from './state.ts';

/** What the runs of a scenario share. */
export interface Bench {
  readonly kubeconfig: string;
  /** Goes to the API server directly. */
  readonly api: KubeClient;
}

/** How a run went. */
export interface RunResult {
  readonly requests: readonly RecordedRequest[];
  readonly state: State;
  /** From the start of the operator to the end state, in milliseconds. */
  readonly settledMs: number;
  /** The faults that came to pass. */
  readonly struck: readonly string[];
}

export interface RunOptions {
  readonly namespace: string;
  readonly faultAt?: FaultAt;
  readonly patience?: Patience;
  /** The end state to wait for; left out: whatever it ends in. */
  readonly expected?: State | undefined;
  /** Left out: {@link policyScenario}. */
  readonly steps?: readonly Step[];
  /** Also a write that the server refuses is one too many once it has settled; left out: yes. */
  readonly strict?: boolean;
  /**
   * Whether a spec may have been written more often than in the undisturbed run: after data came back older, one kind may be read anew before
   * another, and what was done is done, undone and done again. Left out: no.
   */
  readonly repeats?: boolean;
  /** From the start to the end state, in milliseconds; left out: {@link settleLimitMs}. */
  readonly limitMs?: number;
}

/** A fault may cost so long, in milliseconds. */
export const settleLimitMs = 60_000;
/** Nothing may be written for so long once it has settled, in milliseconds. */
const quietMs = 2500;

// A hung request is given up after so long; the machine may be busy, and an honest answer may take a second.
const usualPatience: Patience = { requestMs: 5000, idleMs: () => Infinity };

const until = async (what: string, endMs: number, holds: () => Promise<boolean>): Promise<void> => {
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`not in time: ${what}`);
    await wait(100);
  }
};

const listed = (requests: readonly RecordedRequest[]): string =>
  requests.map(({ what, outcome, upstreamStatus }) => `${what} ${outcome} ${upstreamStatus ?? ''}`).join('\n');

/** Runs the scenario with an operator of its own behind a proxy of its own. @throws Error it did not settle, or went on writing */
export const runScenario = async (bench: Bench, options: RunOptions): Promise<RunResult> => {
  const { namespace, faultAt = () => undefined, patience = usualPatience, steps = policyScenario } = options;
  const { limitMs = settleLimitMs, strict = true, repeats = false } = options;
  const judged = (state: State): State => (repeats ? withoutGenerations(state) : state);
  const expected = options.expected === undefined ? undefined : judged(options.expected);
  const stage = await createStage(bench.api, namespace);
  const { decide, watch, struck } = strike(faultAt);
  const proxy = await startFaultProxy({ kubeconfig: bench.kubeconfig, decide, watch });
  const startMs = Date.now();
  const endMs = startMs + limitMs;
  const operator = runInProcess({ kubeconfig: proxy.kubeconfig, namespace, patience });
  try {
    for (const { name, act, done } of steps) {
      await act(stage);
      await until(name, endMs, () => done(stage));
    }
    const isAsExpected = (state: State): boolean =>
      expected === undefined || differencesOf(judged(state), expected).length === 0;
    await until('the end state of the undisturbed run', endMs, async () => isAsExpected(await stage.state()));
    const settledMs = Date.now() - startMs;
    // An Event follows its status, which is what was waited for, and may be told to wait for a second; one whose request hangs is written again
    // when that is given up.
    await wait(struck.some((each) => each.includes('POST events')) ? patience.requestMs + 4000 : 2000);
    const requests = [...proxy.requests];
    await wait(quietMs);
    // What the server refuses (a cache that is still behind) changes nothing.
    const late = proxy.requests
      .slice(requests.length)
      .filter(
        ({ isWrite, upstreamStatus = 0 }) => isWrite && (strict || (upstreamStatus >= 200 && upstreamStatus < 300)),
      );
    if (late.length > 0) throw new Error(`it goes on writing:\n${listed(late)}`);
    const state = await stage.state();
    if (!isAsExpected(state)) throw new Error('it left the end state again');
    return { requests, state, settledMs, struck };
  } catch (error) {
    const parts = [
      `${namespace}: ${String(error)}`,
      `faults: ${struck.join(', ')}`,
      ...(await stage.state().then(
        (state) => differencesOf(judged(state), expected ?? judged(state)),
        () => [],
      )),
      `its last calls:\n${listed(proxy.requests.slice(-40))}`,
    ];
    throw new Error(parts.join('\n'), { cause: error });
  } finally {
    await operator.stop().catch(() => undefined);
    await proxy.stop();
  }
};
