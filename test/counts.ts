import { z } from 'zod';

/** Real counts of tests. */
const counts = z.object({ passed: z.int().min(0), failed: z.int().min(0) });
export type Counts = z.output<typeof counts>;

/** Names the file that the reporter writes the counts of a jest run to. */
export const countsVariable = 'HOLDFAST_TEST_COUNTS';

/** The counts in a file's text; undefined when the run did not get to write them. */
export const readCounts = (text: string): Counts | undefined => {
  if (text === '') return undefined;
  return counts.safeParse(JSON.parse(text)).data;
};
