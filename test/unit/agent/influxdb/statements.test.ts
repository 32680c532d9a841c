import * as fc from 'fast-check';
import {
  countFields,
  identifier,
  selectFields,
  showFieldKeys,
} from '../../../../src/agent/engines/influxdb/statements.ts';

// InfluxQL ends a name at the first quote that no backslash stands before.
const readName = (quoted: string): { name: string; rest: string } => {
  let name = '';
  for (let at = 1; at < quoted.length; at += 1) {
    const character = quoted[at] ?? '';
    if (character === '"') return { name, rest: quoted.slice(at + 1) };
    if (character === '\\') {
      at += 1;
      name += quoted[at] === 'n' ? '\n' : (quoted[at] ?? '');
    } else name += character;
  }
  throw new Error('the name does not end');
};

test('a name is read as it was, whatever it holds, and nothing follows it', () => {
  const nasty = fc.string({ unit: fc.constantFrom('"', '\\', '\n', "'", ';', ' ', 'n', 'DROP DATABASE', 'õ', '🐑') });
  fc.assert(fc.property(nasty, (name) => expect(readName(identifier(name))).toEqual({ name, rest: '' })));
});

const field = (name: string, type = 'float') => ({ policy: 'a "week"', measurement: 'm\\', field: name, type });
const from = String.raw`FROM "db"."a \"week\""."m\\"`;
const between = { start: '2026-11-16T00:00:00Z', end: '2026-11-23T00:00:00.000000001Z' };
const where = `WHERE time >= '${between.start}' AND time < '${between.end}'`;

test('fields are asked for with their types, in their policy, of a span of time or of all', () => {
  expect(selectFields('db', [field('f')])).toBe(`SELECT "f"::float ${from} GROUP BY *`);
  expect(selectFields('db', [field('f'), field('g', 'string')], between)).toBe(
    `SELECT "f"::float, "g"::string ${from} ${where} GROUP BY *`,
  );
  expect(countFields('db', [field('f'), field('g', 'string')], between)).toBe(
    `SELECT COUNT("f"::float), COUNT("g"::string) ${from} ${where}`,
  );
  expect(showFieldKeys('db', 'p')).toBe('SHOW FIELD KEYS ON "db" FROM "p"./.*/');
});

test('a type that is no word, and a time that is none, are refused: they would stand outside of quotes, or end them', () => {
  const foreign = field('f', 'float FROM x; DROP');
  expect(() => selectFields('d', [foreign])).toThrow('not known');
  expect(() => countFields('d', [foreign])).toThrow('not known');
  expect(() => selectFields('d', [field('f')], { ...between, end: `2026-11-23T00:00:00Z' OR 'a' = 'a` })).toThrow(
    'not known',
  );
});
