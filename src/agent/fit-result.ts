import { maxResultBytes, type Result } from '../api/v1alpha1/result.ts';
import { shorten } from './text.ts';

type Reduce = (result: Result) => Result;

const encode = (result: Result): string => JSON.stringify(result);
const bytesOf = (text: string): number => Buffer.byteLength(text, 'utf8');

/**
 * The result as one line of JSON of at most 2 KiB. What matters least goes first: older local copies, notes, then the length of messages, then the newest
 * points, of which the operator keeps what it saw before. What the run was and how it ended always stays.
 */
export const fitResult = (result: Result): string => {
  let fitted = result;
  for (const reduce of reductions) {
    if (bytesOf(encode(fitted)) <= maxResultBytes) break;
    fitted = reduce(fitted);
  }
  return encode(fitted);
};

const shortenNotes =
  (max: number): Reduce =>
  (result) => ({ ...result, notes: result.notes.map((note) => ({ ...note, message: shorten(note.message, max) })) });

const keepNotes =
  (count: number): Reduce =>
  (result) => ({ ...result, notes: result.notes.slice(0, count) });

const shortenFailure =
  (max: number): Reduce =>
  (result) =>
    result.failure === undefined
      ? result
      : { ...result, failure: { ...result.failure, message: shorten(result.failure.message, max) } };

const shortenProblem =
  (max: number): Reduce =>
  (result) => {
    const { chain } = result.newest;
    if (chain?.problem === undefined) return result;
    return { ...result, newest: { ...result.newest, chain: { ...chain, problem: shorten(chain.problem, max) } } };
  };

const keepNotCovered =
  (count: number): Reduce =>
  (result) => {
    const { localCopy } = result.newest;
    if (localCopy?.notCovered === undefined) return result;
    const notCovered = localCopy.notCovered.slice(0, count);
    return { ...result, newest: { ...result.newest, localCopy: { ...localCopy, notCovered } } };
  };

const keepCopies =
  (count: number): Reduce =>
  (result) => {
    const { copies } = result.newest;
    if (copies === undefined) return result;
    return { ...result, newest: { ...result.newest, copies: { ...copies, newest: copies.newest.slice(0, count) } } };
  };

const dropNewest =
  (name: keyof Result['newest']): Reduce =>
  (result) => {
    const { [name]: _dropped, ...newest } = result.newest;
    return { ...result, newest };
  };

const reductions: readonly Reduce[] = [
  keepCopies(4),
  keepCopies(2),
  shortenNotes(160),
  keepNotes(1),
  keepNotes(0),
  dropNewest('copies'),
  keepNotCovered(1),
  shortenProblem(80),
  shortenFailure(480),
  shortenFailure(320),
  shortenFailure(160),
  dropNewest('localCopy'),
  dropNewest('chain'),
  dropNewest('incremental'),
  dropNewest('full'),
  dropNewest('recovery'),
];
