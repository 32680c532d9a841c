/**
 * Waits until all have ended, whatever becomes of them: nothing goes on behind a failure.
 * @throws what the first of them, in this order, failed with
 */
export const allEnded = async <const Work extends readonly Promise<unknown>[]>(
  works: Work,
): Promise<{ -readonly [Index in keyof Work]: Awaited<Work[Index]> }> => {
  await Promise.allSettled(works);
  // All are settled: the first that failed is the first it comes to.
  return Promise.all(works);
};
