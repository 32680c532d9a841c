import type { RunContext } from '../../run.ts';
import { StatementError, type InfluxServer } from './server.ts';
import { survey, type Surveyed, type SurveyOptions } from './survey.ts';

/** What was counted, or why nothing was. */
export type SurveyInTime = Surveyed | { readonly unknown: string };

/**
 * Counts a database, which may take a quarter of what is left: a large one is backed up without a witness, and judged without a number, rather
 * than not at all.
 * @throws RunError when the server does not answer any more; the signal's reason
 */
export const surveyInTime = async (
  context: Pick<RunContext, 'signal' | 'remainingSeconds'>,
  server: InfluxServer,
  options: Omit<SurveyOptions, 'signal'>,
): Promise<SurveyInTime> => {
  const seconds = Math.ceil(context.remainingSeconds() / 4);
  const tooLong = AbortSignal.timeout(seconds * 1000);
  try {
    return await survey(server, { ...options, signal: AbortSignal.any([context.signal, tooLong]) });
  } catch (error) {
    context.signal.throwIfAborted();
    if (tooLong.aborted) return { unknown: `counting was not done after ${seconds} s, a quarter of the time left` };
    if (error instanceof StatementError) return { unknown: `the server did not answer a question: ${error.message}` };
    throw error;
  }
};
