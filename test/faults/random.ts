import { randomInt } from 'node:crypto';

/** The variable that replays a plan: its value is the seed that was printed. */
export const seedVariable = 'HOLDFAST_FAULT_SEED';

/** The seed that was asked for by the variable, or the one given, or a new one. @throws RangeError it is no whole number */
export const chooseSeed = (otherwise: number = randomInt(2 ** 31)): number => {
  const asked = process.env[seedVariable];
  if (asked === undefined || asked === '') return otherwise;
  const seed = Number(asked);
  if (!Number.isInteger(seed)) throw new RangeError(`${seedVariable}='${asked}' is not a whole number`);
  return seed;
};

/** Numbers in [0, 1), the same for the same seed: a linear congruential generator (Numerical Recipes), which is enough to choose. */
export const createRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

/** The items in an order that the seed gives. */
export const shuffled = <T>(items: readonly T[], random: () => number): T[] =>
  items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
