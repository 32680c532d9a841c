import * as fc from 'fast-check';
import { compareFacts } from '../../../../src/agent/engines/mysql/compare-facts.ts';
import type { DatabaseFacts, MysqlFacts, TableFacts } from '../../../../src/agent/engines/mysql/facts.ts';

const [one, other] = ['a'.repeat(64), 'b'.repeat(64)];

const table = (extra: Partial<TableFacts> = {}): TableFacts => ({
  name: 't',
  kind: 'Table',
  engine: 'InnoDB',
  schema: one,
  content: { rows: 3, checksum: '7' },
  ...extra,
});

const database = (extra: Partial<DatabaseFacts> = {}): DatabaseFacts => ({
  name: 'd',
  characterSet: 'utf8mb4',
  collation: 'utf8mb4_bin',
  tables: [table()],
  views: [],
  triggers: [],
  routines: [],
  events: [],
  ...extra,
});

const next = (from: string, to: string = from) => ({ next: { from, to } });
const sequence = (content: TableFacts['content']) => table({ name: 's', kind: 'Sequence', content });

interface Row {
  readonly reason: string;
  readonly before: Partial<DatabaseFacts>;
  readonly now?: Partial<DatabaseFacts>;
  readonly mismatches?: readonly string[];
  readonly notWitnessed?: readonly string[];
  readonly rows?: number;
}

test.each<Row>([
  { reason: 'all is equal', before: {}, now: {}, rows: 3 },
  {
    reason: 'a table is missing',
    before: { tables: [table(), table({ name: 'u' })] },
    now: {},
    mismatches: ['table d.u: missing'],
    rows: 3,
  },
  {
    reason: 'a table is there beside',
    before: {},
    now: { tables: [table(), table({ name: 'u' })] },
    mismatches: ['table d.u: not in the source'],
    rows: 3,
  },
  {
    reason: 'names differ by case',
    before: {},
    now: { tables: [table({ name: 'T' })] },
    mismatches: ['table d.t: missing', 'table d.T: not in the source'],
  },
  {
    reason: 'rows are missing',
    before: {},
    now: { tables: [table({ content: { rows: 1, checksum: '7' } })] },
    mismatches: ['table d.t: 1 row instead of 3'],
    rows: 3,
  },
  {
    reason: 'a row is another',
    before: {},
    now: { tables: [table({ content: { rows: 3, checksum: '8' } })] },
    mismatches: ['table d.t: 3 rows, with other content'],
    rows: 3,
  },
  {
    reason: 'several things of one table are one object',
    before: {},
    now: {
      tables: [table({ engine: 'Aria', kind: 'SystemVersioned', schema: other, content: { rows: 0, checksum: '0' } })],
    },
    mismatches: [
      'table d.t: SystemVersioned instead of Table, engine Aria instead of InnoDB, another definition, 0 rows instead of 3',
    ],
    rows: 3,
  },
  {
    reason: 'the source was not known: no proof, whatever is there',
    before: { tables: [table({ content: { unknown: 'no snapshot' } })] },
    now: {},
    notWitnessed: ['table d.t: no snapshot'],
  },
  {
    reason: 'what is there cannot be read',
    before: {},
    now: { tables: [table({ content: { unknown: 'it cannot be read' } })] },
    notWitnessed: ['table d.t: once loaded, it cannot be read'],
  },
  {
    reason: 'the definition of a table of unknown content is compared all the same',
    before: { tables: [table({ content: { unknown: 'no snapshot' } })] },
    now: { tables: [table({ schema: other })] },
    mismatches: ['table d.t: another definition'],
    notWitnessed: ['table d.t: no snapshot'],
  },
  {
    reason: 'a sequence between',
    before: { tables: [sequence(next('5', '20'))] },
    now: { tables: [sequence(next('20'))] },
  },
  {
    reason: 'a sequence before',
    before: { tables: [sequence(next('5', '20'))] },
    now: { tables: [sequence(next('4'))] },
    mismatches: ['table d.s: next 4 instead of 5 to 20'],
  },
  {
    reason: 'a sequence after, below zero',
    before: { tables: [sequence(next('-9223372036854775807'))] },
    now: { tables: [sequence(next('-9223372036854775806'))] },
    mismatches: ['table d.s: next -9223372036854775806 instead of -9223372036854775807'],
  },
  {
    reason: 'a sequence of unknown value',
    before: { tables: [sequence({ unknown: 'it was set anew' })] },
    now: { tables: [sequence(next('1'))] },
    notWitnessed: ['table d.s: it was set anew'],
  },
  {
    reason: 'rows where a sequence was, and the other way round',
    before: { tables: [sequence(next('1')), table()] },
    now: { tables: [table({ name: 's' }), { ...sequence(next('1')), name: 't' }] },
    mismatches: [
      'table d.s: Table instead of Sequence, no sequence',
      'table d.t: Sequence instead of Table, a sequence',
    ],
  },
  {
    reason: 'AUTO_INCREMENT outside, missing, more, unknown',
    before: {
      tables: [
        table({ autoIncrement: next('5', '6') }),
        table({ name: 'u', autoIncrement: next('5') }),
        table({ name: 'v' }),
        table({ name: 'w', autoIncrement: { unknown: 'set anew' } }),
        table({ name: 'x', autoIncrement: next('1') }),
      ],
    },
    now: {
      tables: [
        table({ autoIncrement: next('7') }),
        table({ name: 'u' }),
        table({ name: 'v', autoIncrement: next('1') }),
        table({ name: 'w', autoIncrement: next('1') }),
        table({ name: 'x', autoIncrement: { unknown: 'gone' } }),
      ],
    },
    mismatches: [
      'table d.t: AUTO_INCREMENT next 7 instead of 5 to 6',
      'table d.u: AUTO_INCREMENT missing',
      'table d.v: AUTO_INCREMENT that the source had not',
    ],
    notWitnessed: ['AUTO_INCREMENT of table d.w: set anew', 'AUTO_INCREMENT of table d.x: once loaded, gone'],
    rows: 15,
  },
  {
    reason: 'definitions',
    before: {
      views: [
        { name: 'same', digest: one },
        { name: 'v', digest: one },
      ],
      triggers: [{ name: 'g', digest: one }],
      routines: [
        { name: 'r', type: 'FUNCTION', digest: one },
        { name: 'r', type: 'PROCEDURE', digest: one },
      ],
      events: [{ name: 'e', digest: one }],
    },
    now: {
      views: [
        { name: 'same', digest: one },
        { name: 'v', digest: other },
      ],
      routines: [{ name: 'r', type: 'PROCEDURE', digest: other }],
      events: [
        { name: 'e', digest: one },
        { name: 'f', digest: one },
      ],
    },
    mismatches: [
      'view d.v: another definition',
      'trigger d.g: missing',
      'routine d.r (function): missing',
      'routine d.r (procedure): another definition',
      'event d.f: not in the source',
    ],
    rows: 3,
  },
  {
    reason: 'character set and collation',
    before: {},
    now: { characterSet: 'latin1', collation: 'latin1_bin' },
    mismatches: ['database d: latin1 instead of utf8mb4, latin1_bin instead of utf8mb4_bin'],
    rows: 3,
  },
])('$reason', ({ before, now, mismatches = [], notWitnessed = [], rows = 0 }) => {
  const compared = compareFacts({ databases: [database(before)] }, { databases: [database(now)] });
  expect(compared).toEqual({ objects: expect.any(Number), rows, mismatches, notWitnessed });
});

test('a database that is missing is missing with all in it; one that is there beside is named', () => {
  const { mismatches } = compareFacts(
    { databases: [database()] },
    { databases: [database({ name: 'e', tables: [] })] },
  );
  expect(mismatches).toEqual(['database d: missing', 'table d.t: missing', 'database e: not in the source']);
});

test('one that was loaded under another name is compared by it', () => {
  const found = { databases: [database({ name: 'aside' })] };
  expect(compareFacts({ databases: [database()] }, found, { loadedAs: new Map([['d', 'aside']]) })).toEqual({
    objects: 2,
    rows: 3,
    mismatches: [],
    notWitnessed: [],
  });
});

test('facts that are Unknown prove nothing, and nothing differs from them', () => {
  const recorded = { databases: [], unknown: 'no RELOAD' };
  expect(compareFacts(recorded, { databases: [database()] })).toEqual({
    objects: 0,
    rows: 0,
    mismatches: [],
    notWitnessed: ['everything: no RELOAD'],
  });
});

const account = (user: string, grants = one) => ({ user, host: '%', role: false, grants });

test.each<{ reason: string; before: MysqlFacts['accounts']; mismatches?: string[]; notWitnessed?: string[] }>([
  { reason: 'they were not asked for', before: undefined },
  { reason: 'all equal', before: [account('a'), account('b')] },
  { reason: 'other grants', before: [account('a', other), account('b')], mismatches: ['account a@%: other grants'] },
  {
    reason: 'missing and more',
    before: [account('a'), { ...account('b'), role: true }],
    mismatches: ['account b (role): missing', 'account b@%: not in the source'],
  },
  { reason: 'not known', before: { unknown: 'they changed' }, notWitnessed: ['accounts: they changed'] },
])('accounts: $reason', ({ before, mismatches = [], notWitnessed = [] }) => {
  const compared = compareFacts(
    { databases: [], ...(before && { accounts: before }) },
    { databases: [], accounts: [account('a'), account('b')] },
  );
  expect(compared).toMatchObject({ mismatches, notWitnessed });
});

const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'A', 'a`', ''), { maxLength: 4 });
const contents = fc.oneof(
  fc.record({ rows: fc.nat(2), checksum: fc.constantFrom('0', '1') }),
  fc.record({ unknown: fc.constant('why') }),
);
const databases = names.chain((all) =>
  fc.tuple(
    ...all.map((name) =>
      fc.record({ tables: names, content: contents, views: names }).map(({ tables, content, views }) =>
        database({
          name,
          tables: tables.map((each) => table({ name: each, content })),
          views: views.map((each) => ({ name: each, digest: one })),
        }),
      ),
    ),
  ),
);

test('nothing differs exactly if both are equal, but for what is not known; and what is equal on one side is on the other', () => {
  fc.assert(
    fc.property(databases, databases, (before, now) => {
      const there = compareFacts({ databases: before }, { databases: now });
      const back = compareFacts({ databases: now }, { databases: before });
      const equal = JSON.stringify(sorted(before)) === JSON.stringify(sorted(now));
      const differs = there.mismatches.length > 0;
      const told = differs || there.notWitnessed.length > 0;
      expect(equal ? !differs : told).toBe(true);
      expect(back.mismatches).toHaveLength(there.mismatches.length);
      expect(back.objects).toBe(there.objects);
    }),
  );
});

const sorted = (all: readonly DatabaseFacts[]): unknown =>
  byName(all).map((each) => ({ ...each, tables: byName(each.tables), views: byName(each.views) }));
const byName = <T extends { name: string }>(all: readonly T[]): T[] =>
  all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
