import { type ChainInput, chainState, decideChain, reviewChains } from '../../../../src/agent/ship/chain.ts';
import { continuable, deadChains, freshDirectory } from '../../../../src/agent/ship/choose.ts';
import { newestManifests } from '../../../../src/agent/ship/passphrase.ts';
import type { LedgerChain } from '../../../../src/agent/ledger.ts';
import { ageOf, reviewForPrune } from '../../../../src/agent/prune/review.ts';

const directory = 'chain-20261122T010500Z';
const fullStamp = '20261122T010501Z';
const incStamp = '20261123T011002Z';
const nextStamp = '20261124T011003Z';

const fullFiles = [
  { name: `duplicity-full.${fullStamp}.vol1.difftar.gpg`, size: 1000 },
  { name: `duplicity-full.${fullStamp}.vol2.difftar.gpg`, size: 500 },
  { name: `duplicity-full-signatures.${fullStamp}.sigtar.gpg`, size: 50 },
  { name: `duplicity-full.${fullStamp}.manifest.gpg`, size: 20 },
];
const incFiles = [
  { name: `duplicity-inc.${fullStamp}.to.${incStamp}.vol1.difftar.gpg`, size: 100 },
  { name: `duplicity-new-signatures.${fullStamp}.to.${incStamp}.sigtar.gpg`, size: 10 },
  { name: `duplicity-inc.${fullStamp}.to.${incStamp}.manifest.gpg`, size: 5 },
];
const point = {
  dataTime: '2026-11-22T01:00:03Z',
  completionTime: '2026-11-22T01:06:00Z',
  durationSeconds: 9,
  sizeBytes: 1,
  sentBytes: 1,
  jobName: 'j',
  setDigest: 'a'.repeat(64),
  copy: 'c',
};
const chain: LedgerChain = {
  repository: 'rsync://u@h:22//p',
  directory,
  encryption: 'gpg:AB',
  checkedTime: '2026-11-22T01:06:00Z',
  sets: [
    { ...point, type: 'Full', setTime: '2026-11-22T01:05:01Z', files: fullFiles },
    { ...point, type: 'Incremental', setTime: '2026-11-23T01:10:02Z', files: incFiles },
  ],
};
const whole = [...fullFiles, ...incFiles];
const listed = (files: { name: string; size: number }[]) =>
  files.map(({ name, size }) => ({ name: `${directory}/${name}`, size }));
const input: ChainInput = {
  asked: 'Incremental',
  newest: chain,
  repository: chain.repository,
  encryption: chain.encryption,
  listing: listed(whole),
  now: new Date('2026-11-24T01:10:00Z'),
  cleaned: false,
};
const without = (name: string) => whole.filter((file) => file.name !== name);
const partial = { name: `duplicity-inc.${incStamp}.to.${nextStamp}.vol1.difftar.gpg`, size: 7 };
const unrecorded = { name: `duplicity-inc.${incStamp}.to.${nextStamp}.manifest.gpg`, size: 7 };

describe('decideChain', () => {
  test.each<{ reason: string; change: Partial<ChainInput>; expected: string; note?: string; says?: string }>([
    { reason: 'all there: continued', change: {}, expected: 'Incremental' },
    { reason: 'a full was asked for', change: { asked: 'Full' }, expected: 'Full' },
    {
      reason: 'another repository',
      change: { repository: 'rsync://u@other:22//p' },
      expected: 'Full',
      note: 'FullInsteadOfIncremental',
      says: 'another repository',
    },
    {
      reason: 'another key',
      change: { encryption: 'gpg:CD' },
      expected: 'Full',
      note: 'FullInsteadOfIncremental',
      says: 'from gpg key AB to gpg key CD',
    },
    {
      reason: 'the clock was ahead by an hour, or is behind now',
      change: { now: new Date('2026-11-23T01:10:01Z') },
      expected: 'Full',
      note: 'FullInsteadOfIncremental',
      says: 'it is 2026-11-23T01:10:01Z, and in chain-20261122T010500Z there is a set of 2026-11-23T01:10:02Z',
    },
    { reason: 'a second later', change: { now: new Date('2026-11-23T01:10:03Z') }, expected: 'Incremental' },
    {
      reason: 'the archive-dir is lost',
      change: { archiveProblem: 'the archive-dir on the claim lacks a set' },
      expected: 'Full',
      note: 'FullInsteadOfIncremental',
      says: 'archive-dir',
    },
    {
      reason: 'data was restored since its full',
      change: { restored: '2026-11-23T09:00:00Z' },
      expected: 'Full',
      note: 'FullAfterRestore',
      says: 'data was restored at 2026-11-23T09:00:00Z, after the full of chain-20261122T010500Z',
    },
    {
      reason: 'data was restored in the second of its full',
      change: { restored: '2026-11-22T01:00:03Z' },
      expected: 'Full',
      note: 'FullAfterRestore',
    },
    {
      reason: 'data was restored before its full',
      change: { restored: '2026-11-22T01:00:02Z' },
      expected: 'Incremental',
    },
    {
      reason: 'data was restored, and the chain is broken: that is told',
      change: { restored: '2026-11-23T09:00:00Z', listing: [] },
      expected: 'Full',
      note: 'ChainBroken',
    },
    {
      reason: 'data was restored, and a full was asked for: nothing is to be told',
      change: { restored: '2026-11-23T09:00:00Z', asked: 'Full' },
      expected: 'Full',
    },
    {
      reason: 'foreign files do not disturb',
      change: { listing: listed([...whole, { name: 'README', size: 1 }]) },
      expected: 'Incremental',
    },
    {
      reason: 'another chain does not disturb',
      change: { listing: [...listed(whole), { name: `chain-20261101T010500Z/${partial.name}`, size: 1 }] },
      expected: 'Incremental',
    },
    {
      reason: 'what rsync had not finished is removed',
      change: { listing: listed([...whole, { name: `.${partial.name}.YGvT0F`, size: 3 }]) },
      expected: 'RemovePartial',
    },
    { reason: 'a partial set is removed', change: { listing: listed([...whole, partial]) }, expected: 'RemovePartial' },
    {
      reason: 'a partial set that stays is not built upon',
      change: { listing: listed([...whole, partial]), cleaned: true },
      expected: 'Full',
      note: 'FullInsteadOfIncremental',
      says: 'could not be removed',
    },
    {
      reason: 'a finished set that nobody recorded',
      change: { listing: listed([...whole, partial, unrecorded]) },
      expected: 'Full',
      note: 'FullInsteadOfIncremental',
      says: nextStamp,
    },
    {
      reason: 'a volume more in a recorded set',
      change: { listing: listed([...whole, { name: `duplicity-full.${fullStamp}.vol3.difftar.gpg`, size: 1 }]) },
      expected: 'Full',
      note: 'FullInsteadOfIncremental',
    },
    {
      reason: 'a copy of a set’s file, whose name duplicity would cut at the blank',
      change: { listing: listed([...whole, { name: `${unrecorded.name} copy`, size: 1 }]) },
      expected: 'Full',
      note: 'FullInsteadOfIncremental',
    },
    {
      reason: 'an empty repository',
      change: { listing: [] },
      expected: 'Full',
      note: 'ChainBroken',
      says: 'vol1.difftar.gpg is missing',
    },
    ...whole.map(({ name }) => ({
      reason: `${name} is missing`,
      change: { listing: listed(without(name)) },
      expected: 'Full',
      note: 'ChainBroken',
      says: `${name} is missing`,
    })),
    ...whole.map(({ name, size }) => ({
      reason: `${name} is cut off`,
      change: { listing: listed([...without(name), { name, size: size - 1 }]) },
      expected: 'Full',
      note: 'ChainBroken',
      says: `${name} has ${size - 1} bytes instead of ${size}`,
    })),
  ])('$reason', ({ change, expected, note, says }) => {
    const decision = decideChain({ ...input, ...change });
    expect(decision.type).toBe(expected);
    const told = 'note' in decision ? decision.note : undefined;
    expect(told?.reason).toBe(note);
    expect(told?.message ?? '').toContain(says ?? '');
  });

  test('without any chain a full is made', () => {
    const { newest: _none, ...rest } = input;
    expect(decideChain(rest)).toMatchObject({ type: 'Full', note: { reason: 'FullInsteadOfIncremental' } });
  });

  test('only the files of the partial set are removed', () => {
    expect(decideChain({ ...input, listing: listed([...whole, partial]) })).toMatchObject({ files: [partial.name] });
  });
});

test('a chain that is whole has no problem', () => {
  expect(chainState(chain, whole)).toEqual({ partial: [], unrecorded: [] });
});

describe('reviewChains', () => {
  const now = '2026-11-24T01:10:00Z';

  test('a broken chain is marked and told once', () => {
    const [name] = [fullFiles[1]?.name ?? ''];
    const first = reviewChains([chain], chain.repository, listed(without(name)), now);
    expect(first.chains[0]).toMatchObject({ problem: `${name} is missing`, checkedTime: now });
    expect(first.broken).toHaveLength(1);
    expect(reviewChains(first.chains, chain.repository, listed(without(name)), now).broken).toEqual([]);
  });

  test('a chain whose files are back is whole again', () => {
    const { chains } = reviewChains([{ ...chain, problem: 'x' }], chain.repository, listed(whole), now);
    expect(chains[0]).not.toHaveProperty('problem');
  });

  test('a chain in another repository is left as it was', () => {
    expect(reviewChains([chain], 'rsync://other', [], now)).toEqual({ chains: [chain], broken: [] });
  });
});

describe('deadChains', () => {
  const other = 'chain-20261129T010500Z';
  const inOther = (names: string[]) => names.map((name) => ({ name: `${other}/${name}`, size: 1 }));
  test.each([
    { reason: 'volumes without a manifest', names: [fullFiles[0]?.name ?? ''], dead: [other] },
    { reason: 'a volume that rsync had not finished', names: [`.${fullFiles[0]?.name}.YGvT0F`], dead: [other] },
    { reason: 'a manifest: somebody can restore it', names: fullFiles.map(({ name }) => name), dead: [] },
    { reason: 'a file of somebody’s', names: [fullFiles[0]?.name ?? '', 'notes.txt'], dead: [] },
  ])('$reason', ({ names, dead }) => {
    expect(deadChains(inOther(names), [chain]).map(({ directory }) => directory)).toEqual(dead);
  });

  test('a recorded chain is never dead', () => {
    expect(deadChains(listed([{ name: fullFiles[0]?.name ?? '', size: 1 }]), [chain])).toEqual([]);
  });
});

test('a new chain takes a name of its own, even when the clock stands', () => {
  const now = new Date('2026-11-22T01:05:00Z');
  expect(freshDirectory(now, new Set([directory, 'chain-20261122T010501Z']))).toBe('chain-20261122T010502Z');
});

test('the newest encrypted manifest of every chain, the newest chain first', () => {
  const old = 'chain-20261101T010500Z/duplicity-full.20261101T010501Z.manifest.gpg';
  const listing = [
    { name: old, size: 9 },
    ...listed(whole),
    { name: 'chain-x/duplicity-full.20271101T010501Z.manifest', size: 1 },
  ];
  expect(newestManifests(listing)).toEqual([`${directory}/${incFiles[2]?.name}`, old]);
});

describe('a chain that a verification found damaged', () => {
  const damaged: LedgerChain = {
    ...chain,
    problem: 'vol1 is not what was stored',
    damaged: 'vol1 is not what was stored',
  };

  test('is not continued, although all its files are there', () => {
    const decision = decideChain({ ...input, newest: damaged });
    expect(decision).toMatchObject({ type: 'Full', note: { reason: 'ChainBroken' } });
    expect(JSON.stringify(decision)).toContain('vol1 is not what was stored');
  });

  test('stays marked when it is listed again, and is told once', () => {
    const { chains, broken } = reviewChains([damaged], chain.repository, listed(whole), '2026-11-24T01:06:00Z');
    expect(chains).toEqual([{ ...damaged, checkedTime: '2026-11-24T01:06:00Z' }]);
    expect(broken).toEqual([]);
    const [pruned] = reviewForPrune([damaged], chain.repository, listed(whole), '2026-11-24T01:06:00Z');
    expect(pruned?.problem).toBe('vol1 is not what was stored');
    expect(ageOf(damaged, listed(whole)).intact).toBe(false);
  });

  test('a chain that only lacked files is whole again when they are back', () => {
    const { chains } = reviewChains([{ ...chain, problem: 'x is missing' }], chain.repository, listed(whole), 'now');
    expect(chains.map(({ problem }) => problem)).toEqual([undefined]);
  });
});

test('retention knows of a chain when a set of it was last verified', () => {
  const [first, second] = chain.sets;
  if (first === undefined || second === undefined) throw new Error('no sets');
  const sets = [
    { ...first, verifiedTime: '2026-11-29T03:00:00Z' },
    { ...second, verifiedTime: '2026-11-28T03:00:00Z' },
  ];
  expect(ageOf({ ...chain, sets }, listed(whole)).verified).toEqual(new Date('2026-11-29T03:00:00Z'));
  expect(ageOf(chain, listed(whole)).verified).toBeUndefined();
});

describe('which chains may be continued', () => {
  const of = (name: string, setTime: string): LedgerChain => ({
    ...chain,
    directory: name,
    sets: [{ ...point, type: 'Full', setTime, files: fullFiles }],
  });
  const past = of('past', '2026-11-01T01:00:00Z');
  const ahead = of('ahead', '2027-11-08T01:00:00Z');
  const later = of('later', '2026-11-15T01:00:00Z');
  const now = new Date('2026-11-16T01:00:00Z');

  test.each([
    { reason: 'no clock was wrong', chains: [past, later], expected: ['past', 'later'] },
    { reason: 'one was ahead: what came before it is old', chains: [past, ahead], expected: ['past', 'ahead'] },
    { reason: 'a full came after that', chains: [past, ahead, later], expected: ['later'] },
    {
      reason: 'that is being removed',
      chains: [past, ahead, { ...later, removing: true as const }],
      expected: ['past', 'ahead', 'later'],
    },
    { reason: 'there is none', chains: [], expected: [] },
  ])('$reason', ({ chains, expected }) => {
    expect(continuable(chains, now).map(({ directory: name }) => name)).toEqual(expected);
  });
});
