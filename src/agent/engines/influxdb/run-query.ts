import { RunError } from '../../../errors/run-error.ts';
import { StatementError, type InfluxServer, type SeriesPart } from './server.ts';

/** No expectation is as long: what is longer differs from it. */
const maxLength = 64 * 1024;

/**
 * Runs one statement of a policy's own: its rows as lines, values with a tab between, NULL for what is null. Times are nanoseconds since
 * 1970, as the `influx` command prints them; where a statement groups by tags, a row begins with their values, by the names of the tags.
 * @throws RunError QueryFailed, and what the server throws
 */
export const runQuery = async (
  server: InfluxServer,
  { database, statement, signal }: { database: string; statement: string; signal: AbortSignal },
): Promise<string> => {
  if (!/^\s*(select|show)\s/i.test(statement)) {
    throw new RunError('QueryFailed', `A query must begin with SELECT or SHOW, which this does not: ${statement}.`);
  }
  const lines: string[] = [];
  let length = 0;
  try {
    for await (const part of server.select(statement, signal, database)) {
      for (const line of linesOf(part)) {
        lines.push(line);
        length += line.length + 1;
        if (length > maxLength) {
          throw new RunError(
            'QueryFailed',
            `The result of a query is longer than ${maxLength} characters: ${statement}.`,
          );
        }
      }
    }
  } catch (error) {
    if (!(error instanceof StatementError)) throw error;
    throw new RunError('QueryFailed', `The server refused a query: ${error.message}: ${statement}.`, { cause: error });
  }
  return lines.join('\n');
};

/** The rows of a part of an answer, as lines. */
export const linesOf = ({ tags, values }: Pick<SeriesPart, 'tags' | 'values'>): string[] => {
  const group = Object.entries(tags)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, value]) => value);
  return values.map((row) => [...group, ...row.map(valueText)].join('\t'));
};

const valueText = (value: unknown): string => (value === null || value === undefined ? 'NULL' : String(value));
