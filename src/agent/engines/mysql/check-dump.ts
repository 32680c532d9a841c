import { RunError } from '../../../errors/run-error.ts';
import type { DatabaseObject } from './objects.ts';
import { isComplete, missingFrom, scanDump } from './scan-dump.ts';

/** What was made or dropped while the dump ran may be in it or not; what was there all the time must be. */
export const inBoth = (before: readonly DatabaseObject[], after: readonly DatabaseObject[]): DatabaseObject[] => {
  const there = new Set(after.map((object) => JSON.stringify(object)));
  return before.filter((object) => there.has(JSON.stringify(object)));
};

/** Reads the dump for its end mark and the names in it. @throws RunError DumpTruncated, DumpFailed */
export const checkDump = async (
  path: string,
  expected: readonly DatabaseObject[],
  signal: AbortSignal,
): Promise<void> => {
  const scan = await scanDump(path, signal);
  if (!isComplete(scan)) {
    throw new RunError(
      'DumpTruncated',
      'mariadb-dump said it was done, but the last line of the dump is not its end mark.',
    );
  }
  const missing = missingFrom(scan, expected);
  if (missing.length === 0) return;
  const names = missing
    .slice(0, 5)
    .map(({ database, kind, name }) => (kind === 'database' ? `database ${name}` : `${kind} ${database}.${name}`));
  const more = missing.length > names.length ? ` and ${missing.length - names.length} more` : '';
  throw new RunError('DumpFailed', `The dump ended well but lacks ${names.join(', ')}${more}.`);
};
