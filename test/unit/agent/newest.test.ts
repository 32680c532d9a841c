import { emptyLedger, type Ledger, type LedgerChain, type LedgerSet } from '../../../src/agent/ledger.ts';
import { newest } from '../../../src/agent/ledger-store.ts';
import { result } from '../../../src/api/v1alpha1/result.ts';

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
  directory: 'chain-1',
  encryption: 'none',
  sets,
  checkedTime: '2026-11-30T00:00:00Z',
  ...(problem !== undefined && { problem }),
});

const of = (ledger: Partial<Ledger>) => result.shape.newest.parse(newest({ ...emptyLedger(), ...ledger }));

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
