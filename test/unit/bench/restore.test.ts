import { ratiosOf, wayOf, type Part } from '../../bench/restore/figures.ts';

const part = (name: string, seconds: number, down: boolean, peakRssMiB = 1): Part => ({
  name,
  down,
  cost: { seconds, cpuSeconds: seconds / 2, peakRssMiB, peakScratchMiB: 1 },
});

const byHand = wayOf(
  [part('fetch', 10, false, 40), part('load', 20.25, true), part('load', 10, true, 50)],
  7.04,
  500_000_000,
);
const holdfast = wayOf(
  [part('bring', 11, false), part('load', 5, false), part('swap', 2, true), part('check', 3, true)],
  1,
  500_000_000,
);

test('parts of one name are one figure, and what the application waits for is counted by itself', () => {
  expect(byHand).toEqual({
    seconds: { fetch: 10, load: 30.3 },
    allSeconds: 40.3,
    secondsPerGB: 80.5,
    downSeconds: 30.3,
    cpuSeconds: 20.1,
    peakRssMiB: 50,
    peakScratchMiB: 7,
  });
  expect(holdfast).toMatchObject({ allSeconds: 21, secondsPerGB: 42, downSeconds: 5 });
});

test('every ratio is of what it says', () => {
  expect(ratiosOf(byHand, holdfast)).toEqual({ speedOfByHand: 1.92, downOfByHand: 0.17 });
});
