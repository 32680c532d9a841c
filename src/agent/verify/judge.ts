import type { VerifiedSet } from '../../api/v1alpha1/verification.ts';
import { RunError } from '../../errors/run-error.ts';
import { CheckFailed } from './report.ts';
import type { Compared } from './engine.ts';

const shownInMessage = 3;

/** "1 object", "5 objects". */
const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/**
 * Whether what was compared proves the set. What differs comes first: it is known, whatever else could not be compared.
 * @throws CheckFailed ContentDiffers; RunError FactsUnknown when something, or everything, could not be compared. Pure.
 */
export const judgeCompared = (compared: Compared, { factsDigest }: Pick<VerifiedSet, 'factsDigest'>): void => {
  const { objects, rows, mismatches, notWitnessed } = compared;
  if (mismatches.length > 0) {
    const more = mismatches.length > shownInMessage ? ` and ${mismatches.length - shownInMessage} more` : '';
    throw new CheckFailed(
      'restorable',
      'ContentDiffers',
      `${counted(mismatches.length, 'object')} of ${objects} ${mismatches.length === 1 ? 'differs' : 'differ'}: ${mismatches.slice(0, shownInMessage).join('; ')}${more}`,
    );
  }
  const equal = `${counted(objects, 'object')} with ${rows} rows were compared and are equal`;
  if (factsDigest === undefined)
    throw new RunError('FactsUnknown', `The facts were not known when the backup was made (${equal}).`);
  const [first] = notWitnessed;
  if (first !== undefined) {
    const more = notWitnessed.length > 1 ? `, and ${notWitnessed.length - 1} more` : '';
    throw new RunError('FactsUnknown', `The facts do not witness ${first}${more}; ${equal}.`);
  }
  if (objects === 0) throw new RunError('FactsUnknown', 'The facts name nothing, so nothing was compared.');
};

/** Lines of a result; an end of line after the last one is none. */
const linesOf = (text: string): string[] => text.replaceAll('\r\n', '\n').replace(/\n$/, '').split('\n');

/**
 * Whether a query of the policy had the result that it expects. What it gave may be anybody's data, so only where it differs is told. Pure.
 * @throws CheckFailed QueryFailed
 */
export const judgeQuery = (
  given: string,
  { number, expect }: { readonly number: number; readonly expect: string },
): void => {
  const [found, expected] = [linesOf(given), linesOf(expect)];
  const at = Array.from({ length: Math.max(found.length, expected.length) }, (_, index) => index).find(
    (index) => found[index] !== expected[index],
  );
  if (at === undefined) return;
  throw new CheckFailed(
    'restorable',
    'QueryFailed',
    `Query ${number} gave ${counted(found.length, 'line')}, of which line ${at + 1} is not as expected (${counted(expected.length, 'line')} expected)`,
  );
};
