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
