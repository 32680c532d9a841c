import { describeKill, type Kill } from './harness-operator.ts';
import { inParallel } from '../support/parallel.ts';
import { play, type Ending, type Harness } from './harness.ts';
import type { Scenario } from './scenarios.ts';
import { eventsBeyond } from './state.ts';

/** A scenario with kills in it, one after the other. */
export interface Planned {
  readonly scenario: Scenario;
  readonly kills: readonly Kill[];
}

/** Plays scenarios and compares. */
export interface Judge {
  /** The play without a kill, once for each scenario. */
  referenceOf(scenario: Scenario): Promise<Ending>;
  /** Plays all, some at a time. @throws Error with every play that did not end as without its kills, and how it differs */
  playAll(plays: readonly Planned[]): Promise<Ending[]>;
}

/** What must be the same with kills and without. @throws Error with the difference */
const expectSame = (ending: Ending, reference: Ending): void => {
  expect(ending.state.objects).toEqual(reference.state.objects);
  expect(ending.creates).toEqual(reference.creates);
  expect(ending.deletes).toEqual(reference.deletes);
  expect(ending.troubles).toEqual([]);
  // An Event is a courtesy that a kill may take; it never comes twice.
  expect(eventsBeyond(ending.state, reference.state)).toEqual([]);
};

/** Plays in namespaces that begin with `prefix`, in so many lanes. */
export const createJudge = (harness: Harness, prefix: string, lanes: number): Judge => {
  const references = new Map<string, Promise<Ending>>();
  let namespaces = 0;
  const namespace = (): string => {
    namespaces += 1;
    return `${prefix}-${String(namespaces).padStart(4, '0')}`;
  };
  const referenceOf = (scenario: Scenario): Promise<Ending> => {
    const known = references.get(scenario.name) ?? play(harness, scenario, namespace());
    references.set(scenario.name, known);
    return known;
  };
  return {
    referenceOf,
    async playAll(plays) {
      const wrong: string[] = [];
      const endings = await inParallel(plays, lanes, async ({ scenario, kills }) => {
        const how = `${scenario.name}, ${kills.map(describeKill).join(', ')}`;
        try {
          const reference = await referenceOf(scenario);
          const ending = await play(harness, scenario, namespace(), kills, reference);
          expectSame(ending, reference);
          return ending;
        } catch (error) {
          wrong.push(`${how}: ${error instanceof Error ? error.message : String(error)}`);
          return undefined;
        }
      });
      if (wrong.length > 0) throw new Error(wrong.join('\n\n'));
      return endings.filter((ending) => ending !== undefined);
    },
  };
};
