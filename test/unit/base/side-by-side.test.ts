import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { inOrder } from '../../../src/base/in-order.ts';
import { sideBySide } from '../../../src/base/side-by-side.ts';

test('all are done, at most so many at a time, and the results are in the order of the things', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3)), fc.integer({ min: 1, max: 4 }), async (delays, atATime) => {
      let now = 0;
      let most = 0;
      const results = await sideBySide([...delays.entries()], atATime, async ([index, delay]) => {
        now += 1;
        most = Math.max(most, now);
        await sleep(delay);
        now -= 1;
        return index;
      });
      expect(results).toEqual([...delays.keys()]);
      expect(most).toBeLessThanOrEqual(atATime);
      expect(most).toBe(Math.min(atATime, delays.length));
    }),
    { numRuns: 30 },
  );
});

test('after a failure no other is begun, and those that were are waited for', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const work = async (item: number): Promise<void> => {
    begun.push(item);
    await sleep(item === 1 ? 1 : 20);
    ended.push(item);
    if (item === 1) throw new Error('the first that failed');
  };
  await expect(sideBySide([0, 1, 2, 3, 4], 3, work)).rejects.toThrow('the first that failed');
  expect(begun).toEqual([0, 1, 2]);
  expect(ended.toSorted()).toEqual([0, 1, 2]);
});

test('whatever order they come in, they are taken in theirs, each as soon as it can', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 6 }), (order) => {
      const taken: number[] = [];
      const take = inOrder<number>((item) => taken.push(item));
      const come = new Set<number>();
      for (const index of order) {
        take(index, index);
        come.add(index);
        const ready = [0, 1, 2, 3, 4, 5].findIndex((each) => !come.has(each));
        expect(taken).toEqual([0, 1, 2, 3, 4, 5].slice(0, ready === -1 ? 6 : ready));
      }
    }),
  );
});
