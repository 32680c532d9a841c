import { join } from 'node:path';
import { runErrorOf, StepFailure } from '../failure-of.ts';
import { plainText } from '../text.ts';
import { endFinding, type Finding, isDamage } from '../verify/report.ts';
import type { Choice } from './choose.ts';
import { fetchSet, ofSet } from './fetch-set.ts';
import type { FetchedSet } from './handover.ts';
import { places } from './places.ts';
import type { FetchSession } from './session.ts';

/**
 * Fetches one set to its place; what is wrong with it is remembered of its chain, so that nothing continues it or counts on it.
 * @throws StepFailure with a RunError of the catalogue
 */
export const fetchOne = async (
  session: FetchSession,
  choice: Choice,
  name: 'latest' | 'older',
  finding: Finding,
): Promise<FetchedSet> => {
  const { context } = session;
  const { fetched } = context.task;
  try {
    const place = { directory: join(fetched, places[name]), temporary: join(fetched, places.temporary) };
    return await fetchSet(session, choice, place, finding);
  } catch (thrown) {
    context.signal.throwIfAborted();
    const cause = thrown instanceof StepFailure ? thrown.cause : thrown;
    const error = ofSet(choice, cause);
    endFinding(finding, error);
    if (isDamage(runErrorOf(error).reason)) await rememberDamage(session, choice, runErrorOf(error).detail);
    throw thrown instanceof StepFailure ? new StepFailure(thrown.step, error) : error;
  }
};

const rememberDamage = async (
  { context, repository }: FetchSession,
  { chain: { directory } }: Choice,
  words: string,
): Promise<void> => {
  const damaged = plainText(context.secrets.redact(words)).slice(0, 256);
  await context.ledger.update((ledger) => ({
    ...ledger,
    chains: ledger.chains.map((chain) =>
      chain.repository === repository.identity && chain.directory === directory
        ? { ...chain, problem: damaged, damaged }
        : chain,
    ),
  }));
};
