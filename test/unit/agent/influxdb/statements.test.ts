import * as fc from 'fast-check';
import { identifier, selectField, showFieldKeys } from '../../../../src/agent/engines/influxdb/statements.ts';

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

test('a field is asked for with its type, in its policy', () => {
  expect(selectField('db', { policy: 'a "week"', measurement: 'm\\', field: 'f', type: 'float' })).toBe(
    String.raw`SELECT "f"::float FROM "db"."a \"week\""."m\\" GROUP BY *`,
  );
  expect(showFieldKeys('db', 'p')).toBe('SHOW FIELD KEYS ON "db" FROM "p"./.*/');
});

test('a type that is no word is refused: it would stand outside of quotes', () => {
  expect(() => selectField('d', { policy: 'p', measurement: 'm', field: 'f', type: 'float FROM x; DROP' })).toThrow(
    'not known',
  );
});
