import { allEnded } from './all-ended.ts';

/**
 * Does the work for each of several things, so many at a time, begun in their order. Once one has failed no other is begun, and those that were
 * are waited for.
 * @returns what each came to, in the order of the things
 * @throws what the first that failed, by the worker that had it, failed with
 */
export const sideBySide = async <Item, Result>(
  items: readonly Item[],
  atATime: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> => {
  const results: Result[] = [];
  const left = items.entries();
  let failed = false;
  const worker = async (): Promise<void> => {
    for (const [index, item] of left) {
      try {
        results[index] = await work(item, index);
      } catch (error) {
        failed = true;
        throw error;
      }
      if (failed) return;
    }
  };
  await allEnded(Array.from({ length: Math.min(atATime, items.length) }, worker));
  return results;
};
