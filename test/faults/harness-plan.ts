import * as fc from 'fast-check';
import type { Kill } from './harness-operator.ts';

/** Every kill that there is for a scenario with so many writes: before it begins, and before and after each write. */
export const everyKill = (writes: number): Kill[] => [
  { side: 'before', write: 0 },
  ...Array.from({ length: writes }, (_, index) => index + 1).flatMap((write): Kill[] => [
    { side: 'before', write },
    { side: 'after', write },
  ]),
];

/** How many scenarios are drawn, with how many kills in a row at most, each at which write at most. */
export interface Draw {
  readonly count: number;
  readonly most: number;
  readonly write: number;
}

/** Scenarios with some kills in a row each, the same ones for the same seed. */
export const randomKills = <S>(
  scenarios: readonly S[],
  seed: number,
  { count, most, write }: Draw,
): { scenario: S; kills: Kill[] }[] => {
  const side = fc.constantFrom('before' as const, 'after' as const);
  const kill = fc.record({ side, write: fc.integer({ min: 1, max: write }) });
  const kills = fc.array(kill, { minLength: 1, maxLength: most });
  return fc.sample(fc.record({ scenario: fc.constantFrom(...scenarios), kills }), { seed, numRuns: count });
};

/** The seed of a run: HOLDFAST_FAULT_SEED repeats one. @throws Error when it is no whole number */
export const faultSeed = (fallback: number, variables: Readonly<Record<string, string | undefined>>): number => {
  const text = variables['HOLDFAST_FAULT_SEED'];
  if (text === undefined || text === '') return fallback;
  if (!/^-?\d{1,10}$/.test(text)) throw new Error(`HOLDFAST_FAULT_SEED is ${text}: write the whole number of the run`);
  return Number(text);
};

/** Works on all of them, so many at a time; results in the order of the input. */
export const inParallel = async <T, R>(
  items: readonly T[],
  lanes: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = [];
  const queue = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: Math.min(lanes, items.length) }, lane));
  return results;
};
