import type { DestinationEvidence } from '../../api/v1alpha1/restore-report.ts';
import type { RestoreInto } from '../../api/v1alpha1/task.ts';
import type { Found } from './engine.ts';

/** With fewer rows than this part of what is expected, data was lost, whatever else is there. */
const healthyPart = 0.5;

/** What a destination is judged by. */
export interface FoundInput {
  readonly found: Found;
  readonly into: RestoreInto['by'];
  /** State of the data of the local copy that it was compared with; undefined when there is none. */
  readonly expectedTime: string | undefined;
}

const hasShrunk = ({ rows, expectedRows }: Found): boolean =>
  rows !== undefined && expectedRows !== undefined && rows < expectedRows * healthyPart;

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const rowWords = ({ rows, expectedRows }: Found): string => {
  if (rows === undefined) return 'how many rows there are is not known';
  if (expectedRows === undefined) return `${rows} rows`;
  return rows === expectedRows ? `${rows} rows as then` : `${rows} rows instead of ${expectedRows}`;
};

const inWords = ({ found, into, expectedTime }: FoundInput): string => {
  const { present, objects, missing, missingCount } = found;
  if (!present)
    return into === 'InPlace'
      ? 'Nothing is there by the names that are restored.'
      : 'Nothing is there yet, as it should be.';
  const there = `There ${objects === 1 ? 'is' : 'are'} ${counted(objects, 'object')}, ${rowWords(found)}`;
  if (expectedTime === undefined)
    return `${there}. There is no local copy to compare that with, so no loss can be seen.`;
  const copy = `the local copy of ${expectedTime}`;
  if (missingCount > 0) {
    const more = missingCount > missing.length ? ', …' : '';
    const named = missing.length === 0 ? '' : ` (${missing.join(', ')}${more})`;
    return `${missingCount} of what ${copy} holds ${missingCount === 1 ? 'is' : 'are'} missing${named}. ${there}.`;
  }
  if (hasShrunk(found)) return `Nothing is missing by name, but much of what ${copy} holds is gone. ${there}.`;
  return `Nothing of what ${copy} holds is missing. ${there}.`;
};

/**
 * Whether a loss can be seen in what is there. It can when something is missing by its name, or most of the rows are; else it is said to be
 * healthy, and replacing it takes a word of its own: also when there is nothing to compare it with. Pure.
 */
export const judgeFound = (input: FoundInput): Pick<DestinationEvidence, 'healthy' | 'summary'> => {
  const { found } = input;
  const healthy = found.present && found.missingCount === 0 && !hasShrunk(found);
  return { healthy, summary: inWords(input) };
};
