import { isDeepStrictEqual } from 'node:util';
import { setTimeout as wait } from 'node:timers/promises';
import type { KubeClient } from '../../src/kube/client.ts';
import { ApiError } from '../../src/kube/errors.ts';
import { createVictim, type Kill, type Victim } from './harness-operator.ts';
import { createStage, isObserved, type Stage } from './stage.ts';
import { maskNames, type State } from './state.ts';
import type { RecordedRequest } from './proxy.ts';
import type { Scenario } from './scenarios.ts';

/** The API server that scenarios play on. */
export interface Harness {
  readonly kubeconfig: string;
  /** Past the proxies, as a person. */
  readonly client: KubeClient;
  /** More variables for the operator. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** How a scenario ended. */
export interface Ending {
  readonly namespace: string;
  readonly state: State;
  /** What was made and what was deleted in the whole play, by the API server's answers: sorted, Events left out. */
  readonly creates: readonly string[];
  readonly deletes: readonly string[];
  /** Every write that the operator sent after the change, refused ones too. */
  readonly writes: readonly string[];
  /** How many of the kills came; the others were planned for a write that the operator did not need. */
  readonly killed: number;
  /** Writes of an operator that was started again when everything was done. */
  readonly afterRestart: readonly string[];
  /** Errors in the log of the last operator. */
  readonly troubles: readonly string[];
}

/** Longer than the operator takes from an event to the write that answers it, on a busy machine. */
const quietMs = 1500;
const limitMs = 45_000;
/** How often the world around the operator looks at what there is. */
const worldMs = 300;

const hasCode = (...codes: readonly number[]) => {
  const wanted = new Set(codes);
  return ({ upstreamStatus }: RecordedRequest): boolean => upstreamStatus !== undefined && wanted.has(upstreamStatus);
};
/** Whether a request is about an Event, which is a courtesy and no part of the end state. */
export const isEvent = ({ what }: RecordedRequest): boolean => / events(\/|$)/.test(what);
const isDelete = ({ method }: RecordedRequest): boolean => method === 'DELETE';
const whats = (writes: readonly RecordedRequest[]): string[] => writes.map(({ what }) => maskNames(what));

const until = async (holds: () => Promise<boolean>): Promise<void> => {
  const end = Date.now() + limitMs;
  while (!(await holds()) && Date.now() < end) await wait(150);
};

const isPassed = (check: () => void): boolean => {
  try {
    check();
    return true;
  } catch {
    return false;
  }
};

/** What a play consists of. */
interface Play {
  readonly victim: Victim;
  readonly stage: Stage;
  readonly scenario: Scenario;
  /** Whether all is as it is to be in the end. */
  readonly isOver: () => Promise<boolean>;
}

/** Waits until the kill has come, or will not: where others act as well there are pauses without a write. */
const untilKilled = async ({ victim, scenario, isOver }: Play): Promise<void> => {
  if (scenario.world !== undefined) await until(async () => victim.isKilled() || (await isOver()));
  await victim.quiet(quietMs, limitMs).catch(() => {});
};

const suffer = async (all: Play, kills: readonly Kill[]): Promise<number> => {
  const { victim, stage, scenario } = all;
  let killed = 0;
  for (const [index, kill] of kills.entries()) {
    if (index > 0) await victim.start(kill);
    else if (kill.write > 0) victim.doom(kill);
    else await victim.kill();
    if (index === 0) await scenario.change(stage);
    if (kill.write > 0) await untilKilled(all);
    if (kill.write === 0 || victim.isKilled()) killed += 1;
    await victim.kill();
  }
  await (kills.length === 0 ? scenario.change(stage) : victim.start());
  return killed;
};

/** Lets the world around the operator act until it is told to stop. @throws what it met that is not of the API server */
const turning = (stage: Stage, { world }: Scenario): (() => Promise<void>) => {
  if (world === undefined) return async () => {};
  const stop = new AbortController();
  const turn = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      // What it looked at may have changed, or gone: it looks again.
      await world(stage).catch((error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
      });
      await wait(worldMs);
    }
  };
  const turned = turn();
  // Told in the end.
  turned.catch(() => undefined);
  return async () => {
    stop.abort();
    await turned;
  };
};

/**
 * Plays a scenario in a namespace of its own, with the operator killed where told and started again after each kill, until it has
 * settled: with a reference when it is in the same state, else when it is as the scenario says. A state that is not reached is returned
 * all the same, to be compared by the caller.
 */
export const play = async (
  { kubeconfig, client, variables }: Harness,
  scenario: Scenario,
  namespace: string,
  kills: readonly Kill[] = [],
  reference?: Ending,
): Promise<Ending> => {
  const stage = await createStage(client, namespace);
  const victim = await createVictim(kubeconfig, namespace, variables);
  const stopWorld = turning(stage, scenario);
  const isOver = async (): Promise<boolean> => {
    const state = await stage.state();
    if (reference === undefined) return isPassed(() => scenario.end(state));
    return isDeepStrictEqual(state.objects, reference.state.objects);
  };
  try {
    await victim.start();
    await scenario.given(stage);
    await until(() => isObserved(stage));
    await victim.quiet(500, limitMs);
    const before = victim.writes().length;

    const killed = await suffer({ victim, stage, scenario, isOver }, kills);
    await until(isOver);
    await victim.quiet(quietMs, limitMs);
    const state = await stage.state();
    const troubles = await victim.troubles();
    const writes = victim.writes().slice(before);
    const done = victim.writes().length;
    if (reference === undefined) {
      await victim.kill();
      await victim.start();
      await victim.quiet(quietMs, limitMs);
    }
    const ofObjects = victim.writes().filter((write) => !isEvent(write));
    return {
      namespace,
      state,
      creates: whats(ofObjects.filter(hasCode(201))).sort(),
      deletes: whats(ofObjects.filter(isDelete).filter(hasCode(200, 202))).sort(),
      writes: whats(writes),
      killed,
      afterRestart: whats(victim.writes().slice(done)),
      troubles,
    };
  } finally {
    await stopWorld().finally(() => victim.stop());
  }
};
