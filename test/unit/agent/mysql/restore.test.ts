import { array, assert, constantFrom, integer, property, string } from 'fast-check';
import type { ExchangedDatabase } from '../../../../src/agent/engines/mysql/restore/journal.ts';
import { asideName, exchangeName, exchangeOf, oldName } from '../../../../src/agent/engines/mysql/restore/names.ts';
import { exchangeRenames, undoOf } from '../../../../src/agent/engines/mysql/restore/plan-renames.ts';
import { referencesIn, requalified } from '../../../../src/agent/engines/mysql/restore/requalify.ts';
import { createSplitter } from '../../../../src/agent/engines/mysql/restore/split-statements.ts';

/** The pieces of a text that comes in chunks of so many bytes. */
const pieces = (text: string, chunk = text.length): string[] => {
  const bytes = Buffer.from(text);
  const splitter = createSplitter();
  const found = [];
  for (let at = 0; at < bytes.length; at += chunk) found.push(...splitter.push(bytes.subarray(at, at + chunk)));
  found.push(...splitter.end());
  return found.map(({ kind, start, end }) => `${kind} ${bytes.subarray(start, end).toString()}`);
};

describe('a dump is cut as the client cuts it', () => {
  test.each([
    {
      reason: 'two statements',
      text: 'SELECT 1;\nUSE `a`;\n',
      expected: ['Statement SELECT 1;', 'Statement USE `a`;'],
    },
    {
      reason: 'a comment between statements',
      text: '-- Current Database: `a`\nUSE `a`;',
      expected: ['Comment -- Current Database: `a`\n', 'Statement USE `a`;'],
    },
    {
      reason: 'a string with all of it',
      text: "SELECT 'a\n-- b\nUSE `x`;\\';''';",
      expected: ["Statement SELECT 'a\n-- b\nUSE `x`;\\';''';"],
    },
    {
      reason: 'a name with a delimiter',
      text: 'SELECT `a;\nUSE b;``\\`;',
      expected: ['Statement SELECT `a;\nUSE b;``\\`;'],
    },
    { reason: 'a block comment', text: "SELECT /* ; ' */ 1;", expected: ["Statement SELECT /* ; ' */ 1;"] },
    {
      reason: 'what is run in a comment',
      text: "/*!50001 SELECT ';' */;",
      expected: ["Statement /*!50001 SELECT ';' */;"],
    },
    {
      reason: 'another delimiter',
      text: 'DELIMITER ;;\nCREATE x BEGIN a;\n-- Current Database: `b`\nUSE `b`;\nEND ;;\nDELIMITER ;\nSELECT 2;',
      expected: ['Statement CREATE x BEGIN a;\n-- Current Database: `b`\nUSE `b`;\nEND ;;', 'Statement SELECT 2;'],
    },
    {
      reason: 'a backslash that is none, and one that is again',
      text: "SET sql_mode = 'NO_BACKSLASH_ESCAPES';SELECT '\\';SET sql_mode = @saved_sql_mode;SELECT '\\';';",
      expected: [
        "Statement SET sql_mode = 'NO_BACKSLASH_ESCAPES';",
        "Statement SELECT '\\';",
        'Statement SET sql_mode = @saved_sql_mode;',
        "Statement SELECT '\\';';",
      ],
    },
    {
      reason: 'a difference, which is no comment',
      text: "SELECT 1--1, ';';",
      expected: ["Statement SELECT 1--1, ';';"],
    },
    { reason: 'one that is cut off', text: 'SELECT 1', expected: [] },
  ])('$reason', ({ text, expected }) => {
    expect(pieces(text)).toEqual(expected);
    expect(pieces(text, 1)).toEqual(expected);
  });

  test('however it comes in', () => {
    const part = constantFrom(
      "'",
      '"',
      '`',
      ';',
      '\\',
      '\n',
      '-- ',
      '#',
      '/*',
      '*/',
      '/*!',
      'a',
      ' ',
      'DELIMITER ;;\n',
      ';;',
      'ü',
    );
    assert(
      property(array(part, { maxLength: 60 }), integer({ min: 1, max: 90 }), (parts, chunk) => {
        const text = parts.join('');
        expect(pieces(text, chunk)).toEqual(pieces(text));
      }),
    );
  });
});

describe('references of a table to databases', () => {
  const names = new Map([['a', 'x`y']]);
  test.each([
    { reason: 'a sequence', from: 'DEFAULT nextval(`a`.`s`)', to: 'DEFAULT nextval(`x``y`.`s`)' },
    { reason: 'a foreign key', from: 'REFERENCES `a`.`t` (`id`)', to: 'REFERENCES `x``y`.`t` (`id`)' },
    { reason: 'a foreign key within the database', from: 'REFERENCES `a` (`id`)', to: 'REFERENCES `a` (`id`)' },
    { reason: 'another database', from: 'REFERENCES `b`.`t`', to: 'REFERENCES `b`.`t`' },
    { reason: 'a string', from: "COMMENT 'it''s REFERENCES `a`.`t`'", to: "COMMENT 'it''s REFERENCES `a`.`t`'" },
    { reason: 'a name', from: '`REFERENCES ``a``.``t``` int', to: '`REFERENCES ``a``.``t``` int' },
  ])('$reason', ({ from, to }) => {
    expect(requalified(from, names)).toBe(to);
  });

  test('are told apart', () => {
    expect(referencesIn("`c` DEFAULT nextval(`a`.`s`), REFERENCES `b`.`t`, COMMENT 'REFERENCES `c`.`t`'")).toEqual([
      { kind: 'Sequence', database: 'a' },
      { kind: 'ForeignKey', database: 'b' },
    ]);
  });
});

test('names are short enough, and of different databases different', () => {
  assert(
    property(string({ minLength: 1, maxLength: 64 }), string({ minLength: 1, maxLength: 64 }), (one, other) => {
      for (const name of [asideName('0123abcd', one), oldName('0123abcd', one)])
        expect(name.length).toBeLessThanOrEqual(64);
      expect(oldName('0123abcd', one) === oldName('0123abcd', other)).toBe(one === other);
      expect(asideName('0123abcd', one)).not.toBe(oldName('0123abcd', one));
    }),
  );
  expect(asideName('0123abcd', 'agama')).toBe('holdfast_0123abcd_new_agama');
  expect(exchangeOf(exchangeName('0123abcd'))).toBe('0123abcd');
  expect(exchangeOf('holdfast_0123abcd_new_exchange')).toBeUndefined();
});

test('an exchange that the server cut off in the middle is undone from wherever it came to', () => {
  const database: ExchangedDatabase = {
    name: 'd',
    existed: true,
    options: '',
    aside: 'new',
    old: 'old',
    tables: ['both', 'lost'],
    views: [{ name: 'was_view', as: 'v0' }],
    newTables: ['both', 'was_view', 'gained'],
    newViews: [],
    goes: false,
  };
  const renames = exchangeRenames([database]);
  for (let done = 0; done <= renames.length; done += 1) {
    const at = new Map<string, string>([
      ...database.tables.map((name) => [`d.${name}`, 'old'] as const),
      ['d.was_view', 'view'] as const,
      ['d.by_others', 'others'] as const,
      ...database.newTables.map((name) => [`new.${name}`, 'new'] as const),
    ]);
    const start = [...at].toSorted();
    const move = ({ from, to }: (typeof renames)[number]): void => {
      const what = at.get(from.join('.'));
      expect(what).toBeDefined();
      expect(at.has(to.join('.'))).toBe(false);
      at.delete(from.join('.'));
      at.set(to.join('.'), what ?? '');
    };
    renames.slice(0, done).forEach(move);
    const inside = (where: string, view: boolean): string[] =>
      [...at]
        .filter(([key, what]) => key.startsWith(`${where}.`) && (what === 'view') === view)
        .map(([key]) => key.slice(where.length + 1));
    const undo = undoOf(database, { tables: inside('d', false), views: inside('d', true), old: inside('old', false) });
    [...undo.away, ...undo.back].forEach(move);
    expect([...at].toSorted()).toEqual(start);
  }
});
