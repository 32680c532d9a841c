import {
  isBefore,
  recordOf,
  stillTrue,
  type Marked,
} from '../../../../src/agent/engines/mysql/restore/compared-before.ts';
import { msOf, setBackMs, type Moment } from '../../../../src/agent/engines/mysql/restore/moment.ts';
import { openIn } from '../../../../src/agent/engines/mysql/restore/open-transactions.ts';
import { marksFrom, writtenName } from '../../../../src/agent/engines/mysql/restore/table-marks.ts';

const moment = (serverSeconds: number, nodeSeconds: number, more: Partial<Moment> = {}): Moment => ({
  server: 'mariadb-0 3306 1 /var/lib/mysql/',
  serverMs: 1_790_812_800_000 + serverSeconds * 1000,
  boot: 'b',
  beforeMs: nodeSeconds * 1000,
  afterMs: nodeSeconds * 1000 + 5,
  ...more,
});

describe('how far a server’s clock may have been set back', () => {
  test.each([
    ['both went on alike', moment(0, 100), moment(10, 110), 25],
    ['the server’s went on less', moment(0, 100), moment(9.5, 110), 525],
    ['the server’s went on more', moment(0, 100), moment(10.5, 110), 0],
    ['the server’s was set back', moment(0, 100), moment(8, 110), undefined],
    ['the server’s was set forward', moment(0, 100), moment(12, 110), undefined],
    [
      'it is another server',
      moment(0, 100),
      moment(10, 110, { server: 'mariadb-1 3306 2 /var/lib/mysql/' }),
      undefined,
    ],
    ['the node was started anew', moment(0, 100), moment(10, 110, { boot: 'c' }), undefined],
    ['the node’s clock stands still', moment(0, 100), moment(10, 100), undefined],
  ])('%s', (_, from, to, expected) => expect(setBackMs(from, to)).toBe(expected));

  test('asking took long: the clock may have been set back by as much', () =>
    expect(setBackMs(moment(0, 100, { beforeMs: 99_800 }), moment(10, 110, { afterMs: 110_300 }))).toBe(520));
});

describe('whether a change is surely of before a moment', () => {
  const updated = '2026-10-01 00:00:00';
  const at = (seconds: number) => ({ serverMs: msOf(updated) + seconds * 1000 });
  test.each([
    ['in the same second', 0.9, 0, false],
    ['as soon as the second is over', 1, 0, false],
    ['a tick later', 1.05, 0, true],
    ['later than the moment', -1, 0, false],
    ['when the clock may have been set back by more', 1.5, 600, false],
    ['when the clock may have been set back by less', 1.5, 400, true],
  ])('%s', (_, seconds, backMs, expected) => expect(isBefore(updated, at(seconds), backMs)).toBe(expected));

  test('not when the time cannot be read', () => expect(isBefore('0000-00-00', at(100), 0)).toBe(false));
});

test.each([
  ['orders', 'orders'],
  ['holdfast_0a1b2c3d_new_a-b $', 'holdfast_0a1b2c3d_new_a@002db@0020@0024'],
  ['x.y~"@#', 'x@002ey@007e@0022@0040@0023'],
  ['tõlge', undefined],
  ['', undefined],
])('InnoDB writes %j as %j', (name, written) => expect(writtenName(name)).toBe(written));

describe('marks', () => {
  const server = 'mariadb-0 3306 1 /var/lib/mysql/';
  const dated = [{ server, name: 'o-1', updated: '2026-10-01 00:00:00' }];
  const numbers = (id: string) => new Map([['agama/o@002d1', id]]);
  test.each([
    ['a table that stays', dated, numbers('7'), numbers('7'), [['o-1', { id: '7', updated: '2026-10-01 00:00:00' }]]],
    ['another one has come into its place', dated, numbers('7'), numbers('8'), []],
    ['it has gone', dated, numbers('7'), new Map<string, string>(), []],
    ['it has come', dated, new Map<string, string>(), numbers('7'), []],
    ['its time is not known', [{ server, name: 'o-1', updated: null }], numbers('7'), numbers('7'), []],
  ])('%s', (_, tables, before, after, expected) =>
    expect([...marksFrom('agama', tables, { before, after }).tables]).toEqual(expected),
  );
});

describe('open transactions', () => {
  const own = { thread: '1', started: 's', reads: '0', own: '1' };
  const other = { thread: '2', started: 's', reads: '0', own: '0' };
  test('are those of others that may write', () =>
    expect(openIn([own, other, { ...other, thread: '3', reads: '1' }])).toEqual(new Set(['2 s'])));
  test('are not known from a list without the own one', () => expect(openIn([other])).toBeUndefined());
  test('are not known from a list that may have come to its end', () =>
    expect(openIn([own, ...Array.from({ length: 999 }, (_, index) => ({ ...other, thread: `t${index}` }))])).toBe(
      undefined,
    ));
});

describe('what was compared before', () => {
  const at = moment(10, 110);
  const mark = { id: '7', updated: '2026-10-01 00:00:05' };
  const marked = (change: Partial<typeof mark> = {}, server = at.server, when = moment(20, 120)): Marked => ({
    moment: when,
    databases: new Map([['agama', { server, tables: new Map([['orders', { ...mark, ...change }]]) }]]),
  });
  const table = { name: 'orders', kind: 'Table' as const, engine: 'InnoDB', schema: 's' };
  const nothingElse = { characterSet: '', collation: '', views: [], triggers: [], routines: [], events: [] };
  const facts = (content: { rows: number; checksum: string } | { unknown: string }) => [
    { name: 'agama', ...nothingElse, tables: [{ ...table, content }] },
  ];
  const content = { rows: 3, checksum: '12' };
  const kept = recordOf('0a1b2c3d', marked({}, at.server, at), facts(content));

  test('is true as long as the mark stays', () => expect([...stillTrue(kept, marked()).values()]).toEqual([content]));

  test.each([
    ['the table is another one', marked({ id: '8' })],
    ['the table was changed', marked({ updated: '2026-10-01 00:00:06' })],
    ['the marks are of another server', marked({}, 'other')],
    ['it is another server', marked({}, at.server, moment(20, 120, { server: 'other' }))],
    ['the server’s clock was set back', marked({}, at.server, moment(18, 120))],
    ['the table has no mark', { moment: moment(20, 120), databases: new Map() }],
  ])('is not when %s', (_, now) => expect(stillTrue(kept, now).size).toBe(0));

  test('is not when the last change was in the second before it was read', () => {
    const fresh = { updated: '2026-10-01 00:00:09' };
    const early = recordOf('0a1b2c3d', marked(fresh, at.server, moment(10.04, 110.04)), facts(content));
    expect(stillTrue(early, marked(fresh)).size).toBe(0);
  });

  test('is not kept of a table whose rows are not known, or whose mark is of another server', () => {
    expect(recordOf('0a1b2c3d', marked({}, at.server, at), facts({ unknown: 'it cannot be read' })).tables).toEqual([]);
    expect(recordOf('0a1b2c3d', marked({}, 'other', at), facts(content)).tables).toEqual([]);
  });
});
