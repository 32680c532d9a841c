import { emptyLedger, type Ledger, type LedgerChain, type LedgerSet } from '../../../src/agent/ledger.ts';
import { newest } from '../../../src/agent/ledger-store.ts';
import { result } from '../../../src/api/v1alpha1/result.ts';
import { subject } from '../../support/subject.ts';

const set = (type: LedgerSet['type'], setTime: string): LedgerSet => ({
  type,
  setTime,
  dataTime: setTime,
  completionTime: setTime,
  durationSeconds: 1,
  sizeBytes: 1,
  sentBytes: 1,
  jobName: 'job',
  setDigest: 'a'.repeat(64),
  copy: '20261122T010003Z',
  files: [],
});

const chain = (sets: LedgerSet[], problem?: string): LedgerChain => ({
  repository: 'rsync://h',
  place: subject.repository,
  directory: 'chain-1',
  encryption: 'none',
  sets,
  checkedTime: '2026-11-30T00:00:00Z',
  ...(problem !== undefined && { problem }),
});

const of = (ledger: Partial<Ledger>) => result.shape.newest.parse(newest({ ...emptyLedger(), ...ledger }, subject));

test('an empty ledger has nothing', () => {
  expect(of({})).toEqual({});
});

test('a chain without sets is none', () => {
  expect(of({ chains: [chain([])] })).toEqual({});
});

test('the newest of each kind, whatever their order, without what only the ledger knows', () => {
  const old = chain([set('Full', '2026-11-01T00:00:00Z'), set('Incremental', '2026-11-02T00:00:00Z')]);
  const young = chain([set('Full', '2026-11-08T00:00:00Z')]);
  const { full, incremental, chain: found } = of({ chains: [young, old] });
  expect(full?.setTime).toBe('2026-11-08T00:00:00Z');
  expect(incremental?.setTime).toBe('2026-11-02T00:00:00Z');
  expect(found).toMatchObject({ fullTime: '2026-11-08T00:00:00Z', incrementals: 0, intact: true });
  expect(full).not.toHaveProperty('files');
});

test('a chain with a problem is not intact, and a long problem is cut', () => {
  const broken = chain(
    [set('Full', '2026-11-01T00:00:00Z'), set('Incremental', '2026-11-02T00:00:00Z')],
    'x'.repeat(400),
  );
  expect(of({ chains: [broken] }).chain).toEqual({
    fullTime: '2026-11-01T00:00:00Z',
    incrementals: 1,
    intact: false,
    checkedTime: '2026-11-30T00:00:00Z',
    problem: expect.stringMatching(/^x{200,256}/),
  });
});

describe('what can be restored from the repository', () => {
  const old = chain([set('Full', '2026-11-01T00:00:00Z'), set('Incremental', '2026-11-02T00:00:00Z')]);
  const young = chain([set('Full', '2026-11-08T00:00:00Z'), set('Incremental', '2026-11-09T00:00:00Z')]);
  const checkedTime = '2026-11-30T00:00:00Z';
  const broken = (one: LedgerChain): LedgerChain => ({ ...one, problem: 'a volume is missing' });

  test.each([
    {
      chains: [young, old],
      recovery: { checkedTime, earliest: '2026-11-01T00:00:00Z', offSite: '2026-11-09T00:00:00Z' },
      reason: 'from the oldest to the newest set',
    },
    {
      chains: [old, broken(young)],
      recovery: { checkedTime, earliest: '2026-11-01T00:00:00Z', offSite: '2026-11-02T00:00:00Z' },
      reason: 'nothing of a chain that is damaged counts, an older one does',
    },
    {
      chains: [broken(old), young],
      recovery: { checkedTime, earliest: '2026-11-08T00:00:00Z', offSite: '2026-11-09T00:00:00Z' },
      reason: 'an old chain is damaged',
    },
    { chains: [broken(old), broken(young)], recovery: { checkedTime }, reason: 'all are damaged' },
    {
      chains: [{ ...old, place: 'another' }, broken(young)],
      recovery: { checkedTime },
      reason: 'a repository that the policy does not name any more is not looked at',
    },
    { chains: [chain([])], recovery: undefined, reason: 'nothing was ever shipped' },
  ])('$reason', ({ chains, recovery }) => {
    expect(of({ chains }).recovery).toEqual(recovery);
  });
});

test('local copies are listed newest first, eight of them, with whether they were shipped', () => {
  const copies = Array.from({ length: 10 }, (_, day) => ({
    name: `202611${String(day + 10)}T010003Z`,
    dataTime: `2026-11-${day + 10}T01:00:03Z`,
    completionTime: `2026-11-${day + 10}T01:00:09Z`,
    durationSeconds: 6,
    sizeBytes: day,
    jobName: 'job',
    files: [],
    ...(day % 2 === 0 && { shippedAs: '2026-11-30T00:00:00Z' }),
  }));
  const listed = of({ copies: [...copies.slice(5), ...copies.slice(0, 5)] }).copies;
  expect(listed?.count).toBe(10);
  expect(listed?.newest.map(({ sizeBytes }) => sizeBytes)).toEqual([9, 8, 7, 6, 5, 4, 3, 2]);
  expect(listed?.newest.slice(0, 2)).toEqual([
    { name: '20261119T010003Z', sizeBytes: 9 },
    { name: '20261118T010003Z', sizeBytes: 8, shipped: true },
  ]);
});
