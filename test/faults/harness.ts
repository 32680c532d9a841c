import { isDeepStrictEqual } from 'node:util';
import { setTimeout as wait } from 'node:timers/promises';
import type { KubeClient } from '../../src/kube/client.ts';
import { isRecord } from '../../src/kube/types.ts';
import { resources } from '../../src/policy/resources.ts';
import { createVictim, type Kill, type Victim } from './harness-operator.ts';
import { createStage, type Stage } from './stage.ts';
import type { State } from './state.ts';
import type { RecordedRequest } from './proxy.ts';
import type { Scenario } from './scenarios.ts';

/** The API server that scenarios play on. */
export interface Harness {
  readonly kubeconfig: string;
  /** Past the proxies, as a person. */
  readonly client: KubeClient;
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

const hasCode = (...codes: readonly number[]) => {
  const wanted = new Set(codes);
  return ({ upstreamStatus }: RecordedRequest): boolean => upstreamStatus !== undefined && wanted.has(upstreamStatus);
};
/** Whether a request is about an Event, which is a courtesy and no part of the end state. */
export const isEvent = ({ what }: RecordedRequest): boolean => / events(\/|$)/.test(what);
const isDelete = ({ method }: RecordedRequest): boolean => method === 'DELETE';
const whats = (writes: readonly RecordedRequest[]): string[] => writes.map(({ what }) => what);

const isObserved = async (stage: Stage): Promise<boolean> =>
  (await stage.list(resources.policy)).every(
    ({ metadata, status }) => isRecord(status) && status['observedGeneration'] === metadata.generation,
  );

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

const suffer = async (victim: Victim, stage: Stage, scenario: Scenario, kills: readonly Kill[]): Promise<number> => {
  let killed = 0;
  for (const [index, kill] of kills.entries()) {
    if (index > 0) await victim.start(kill);
    else if (kill.write > 0) victim.doom(kill);
    else await victim.kill();
    if (index === 0) await scenario.change(stage);
    if (kill.write > 0) await victim.quiet(quietMs, limitMs).catch(() => {});
    if (kill.write === 0 || victim.isKilled()) killed += 1;
    await victim.kill();
  }
  await (kills.length === 0 ? scenario.change(stage) : victim.start());
  return killed;
};

/**
 * Plays a scenario in a namespace of its own, with the operator killed where told and started again after each kill, until it has
 * settled: with a reference when it is in the same state, else when it is as the scenario says. A state that is not reached is returned
 * all the same, to be compared by the caller.
 */
export const play = async (
  { kubeconfig, client }: Harness,
  scenario: Scenario,
  namespace: string,
  kills: readonly Kill[] = [],
  reference?: Ending,
): Promise<Ending> => {
  const stage = await createStage(client, namespace);
  const victim = await createVictim(kubeconfig, namespace);
  try {
    await victim.start();
    await scenario.given(stage);
    await until(() => isObserved(stage));
    await victim.quiet(500, limitMs);
    const before = victim.writes().length;

    const killed = await suffer(victim, stage, scenario, kills);
    await until(async () => {
      const state = await stage.state();
      if (reference === undefined) return isPassed(() => scenario.end(state));
      return isDeepStrictEqual(state.objects, reference.state.objects);
    });
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
    await victim.stop();
  }
};
