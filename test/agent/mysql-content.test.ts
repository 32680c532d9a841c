import { contentOf, contentQuery, type Column } from '../../src/agent/engines/mysql/content-query.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';

let server: MariadbServer;

beforeAll(async () => {
  server = await startMariadb();
}, 120_000);

afterAll(() => server.stop());

type Columns = readonly (readonly [name: string, type: string])[];

const contentNow = (columns: Columns) =>
  server.admin(async (connection) => {
    const described = columns.map(([name, type]): Column => ({
      name,
      type: type.replace(/\W.*$/, ''),
      generated: false,
    }));
    const [answer] = await connection.query<{ rows: string; hashed: string; total: string }[]>(
      contentQuery({ database: 'd', table: 't', columns: described, history: false }),
    );
    if (answer === undefined) throw new Error('no answer');
    return contentOf(answer);
  });

/** The facts of the content of a table with these columns and rows. */
const factsOf = async (columns: Columns, rows: readonly string[]) => {
  await server.admin(async (connection) => {
    await connection.query(
      `CREATE OR REPLACE DATABASE d; CREATE TABLE d.t (${columns.map(([name, type]) => `${name} ${type}`).join(', ')})`,
    );
    for (const row of rows) await connection.query(`INSERT INTO d.t VALUES (${row})`);
  });
  return contentNow(columns);
};

const texts = [
  ['a', 'VARCHAR(20)'],
  ['b', 'VARCHAR(20)'],
] as const satisfies Columns;
const numbers = [
  ['a', 'INT'],
  ['b', 'INT'],
  ['c', 'INT'],
] as const satisfies Columns;
const mixed = [
  ['a', 'INT'],
  ['b', 'VARCHAR(20)'],
  ['c', 'TEXT'],
] as const satisfies Columns;

describe('different rows have different checksums', () => {
  test.each([
    { reason: 'a letter goes to the next column', columns: texts, one: ["'ab', 'c'"], other: ["'a', 'bc'"] },
    { reason: 'a text that looks like the mark of another', columns: texts, one: ["'x1:', ''"], other: ["'x', '1:'"] },
    { reason: 'NULL and no text', columns: texts, one: ["NULL, 'a'"], other: ["'', 'a'"] },
    { reason: 'NULL and its mark', columns: texts, one: ["NULL, 'a'"], other: ["'!', 'a'"] },
    { reason: 'a digit goes to the next column', columns: numbers, one: ['1, 23, 4'], other: ['12, 3, 4'] },
    { reason: 'NULL moves', columns: numbers, one: ['NULL, -5, 1'], other: ['-5, NULL, 1'] },
    { reason: 'NULL and nought', columns: numbers, one: ['NULL, 0, 1'], other: ['0, 0, 1'] },
    { reason: 'from a number to a text', columns: mixed, one: ["1, '2', '3'"], other: ["12, '', '3'"] },
    { reason: 'from a short text to a long one', columns: mixed, one: ["1, '23', ''"], other: ["1, '2', '3'"] },
    { reason: 'trailing blanks', columns: texts, one: ["'a ', 'b'"], other: ["'a', 'b'"] },
    { reason: 'upper case', columns: texts, one: ["'a', 'b'"], other: ["'A', 'b'"] },
    { reason: 'a row twice', columns: texts, one: ["'a', 'b'", "'a', 'b'"], other: ["'a', 'b'"] },
    {
      reason: 'values of two rows exchanged',
      columns: texts,
      one: ["'a', 'b'", "'c', 'd'"],
      other: ["'a', 'd'", "'c', 'b'"],
    },
  ])('$reason', async ({ columns, one, other }) => {
    const first = await factsOf(columns, one);
    expect(first).toMatchObject({ rows: one.length, checksum: expect.any(String) });
    expect(await factsOf(columns, other)).not.toEqual(first);
  });
});

test('the order of rows does not count', async () => {
  const rows = ["1, 'a', 'x'", "2, NULL, ''", "3, 'é', NULL"];
  expect(await factsOf(mixed, rows)).toEqual(await factsOf(mixed, rows.toReversed()));
});

test('no row is known as well', async () => {
  expect(await factsOf(mixed, [])).toEqual({ rows: 0, checksum: '0' });
});
