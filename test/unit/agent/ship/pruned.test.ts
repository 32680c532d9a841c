import { withoutPruned } from '../../../../src/agent/ship/pruned.ts';
import type { LedgerChain } from '../../../../src/agent/ledger.ts';

const here = 'rsync://u@h:22/p';

const chain = (day: number, repository = here): LedgerChain => ({
  repository,
  directory: `chain-2026010${day}T010000Z`,
  encryption: 'none',
  checkedTime: '2026-01-09T01:00:00Z',
  sets: [
    {
      type: 'Full',
      setTime: `2026-01-0${day}T01:00:00Z`,
      dataTime: `2026-01-0${day}T01:00:00Z`,
      completionTime: `2026-01-0${day}T01:00:09Z`,
      durationSeconds: 9,
      sizeBytes: 1,
      sentBytes: 1,
      jobName: 'job',
      setDigest: 'a'.repeat(64),
      copy: 'c',
      files: [],
    },
  ],
});

const old = chain(1);
const newer = chain(2);
const file = { name: `${old.directory}/duplicity-full.20260101T010000Z.vol1.difftar.gpg`, size: 1 };

test.each([
  { reason: 'named, gone, a newer one is there', named: [old], listing: [], chains: [old, newer], left: [newer] },
  { reason: 'not named', named: [], listing: [], chains: [old, newer], left: [old, newer] },
  { reason: 'something of it is left', named: [old], listing: [file], chains: [old, newer], left: [old, newer] },
  { reason: 'it is the newest', named: [old, newer], listing: [], chains: [old, newer], left: [newer] },
  { reason: 'it is the only one', named: [old], listing: [], chains: [old], left: [old] },
  {
    reason: 'the newer one is in another repository',
    named: [old],
    listing: [],
    chains: [old, chain(2, 'rsync://u@h:22/q')],
    left: [old, chain(2, 'rsync://u@h:22/q')],
  },
])('a chain that the host removed by itself: $reason', ({ named, listing, chains, left }) => {
  const removed = new Set(named.map(({ directory }) => directory));
  expect(withoutPruned(chains, here, listing, removed)).toEqual(left);
});
