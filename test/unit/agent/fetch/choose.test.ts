import * as fc from 'fast-check';
import { chooseSets, type ChoiceInput, setsUpTo } from '../../../../src/agent/fetch/choose.ts';
import { bringShortage, fetchShortage } from '../../../../src/agent/fetch/space.ts';
import { parseSecretKeys } from '../../../../src/agent/fetch/secret-keys.ts';
import type { LedgerChain } from '../../../../src/agent/ledger.ts';
import { contentOf } from '../../../../src/agent/ship/content.ts';
import { manifestVolumeHashes } from '../../../../src/agent/ship/set-files.ts';
import { chainOf, day } from '../../../support/ledger.ts';

const input = (chains: readonly LedgerChain[], extra: Partial<ChoiceInput> = {}): ChoiceInput => ({
  chains,
  repository: 'r',
  broken: [],
  points: 'LatestAndRandom',
  random: () => 0,
  ...extra,
});
const chosen = (given: ChoiceInput): (string | undefined)[] => {
  const { latest, older } = chooseSets(given);
  return [latest?.set.setTime, older?.set.setTime];
};

describe('chooseSets', () => {
  test.each<{ reason: string; given: ChoiceInput; expected: (string | undefined)[] }>([
    { reason: 'nothing there', given: input([]), expected: [undefined, undefined] },
    { reason: 'one set: there is no older one', given: input([chainOf([1])]), expected: [day(1), undefined] },
    { reason: 'the newest, and one before', given: input([chainOf([1, 2])]), expected: [day(2), day(1)] },
    { reason: 'only the newest', given: input([chainOf([1, 2])], { points: 'Latest' }), expected: [day(2), undefined] },
    {
      reason: 'by time, not by place in the ledger',
      given: input([chainOf([3, 4]), chainOf([1, 2])]),
      expected: [day(4), day(1)],
    },
    {
      reason: 'any chain',
      given: input([chainOf([1]), chainOf([2, 3])], { random: () => 0.99 }),
      expected: [day(3), day(2)],
    },
    {
      reason: 'another repository',
      given: input([chainOf([1]), chainOf([2], { repository: 's' })]),
      expected: [day(1), undefined],
    },
    {
      reason: 'found broken earlier: passed over',
      given: input([chainOf([1]), chainOf([2], { problem: 'x' })]),
      expected: [day(1), undefined],
    },
    {
      reason: 'found broken just now: that is what is to be said',
      given: input([chainOf([1]), chainOf([2], { problem: 'x' })], { broken: ['chain-20261102T010000Z'] }),
      expected: [day(2), day(1)],
    },
    {
      reason: 'an older one is never taken out of what is broken',
      given: input([chainOf([1], { problem: 'x' }), chainOf([2])], { broken: ['chain-20261101T010000Z'] }),
      expected: [day(2), undefined],
    },
    {
      reason: 'retention began to remove it',
      given: input([chainOf([1]), chainOf([2], { removing: true })]),
      expected: [day(1), undefined],
    },
    {
      reason: 'a name that leads elsewhere',
      given: input([chainOf([1], { directory: '../x' })]),
      expected: [undefined, undefined],
    },
  ])('$reason', ({ given, expected }) => {
    expect(chosen(given)).toEqual(expected);
  });

  test('another in each run, and after some runs every one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 9 }),
        fc.array(fc.nat(999), { minLength: 60, maxLength: 60 }),
        (count, luck) => {
          let chain = chainOf(Array.from({ length: count }, (_, index) => index + 1));
          const seen: string[] = [];
          for (const [run, number] of luck.entries()) {
            const { older } = chooseSets(input([chain], { random: () => number / 1000 }));
            const time = older?.set.setTime ?? '';
            expect(time).not.toBe(seen.at(-1));
            seen.push(time);
            const verifiedTime = new Date(Date.UTC(2027, 0, 1 + run)).toISOString();
            const sets = chain.sets.map((set) => (set.setTime === time ? { ...set, verifiedTime } : set));
            chain = { ...chain, sets };
          }
        },
      ),
    );
  });

  test('a set is restored from all before it, and from none after', () => {
    const chain = chainOf([1, 2, 3]);
    const [, set] = chain.sets;
    if (set === undefined) throw new Error('no set');
    expect(setsUpTo({ chain, set }).map(({ setTime }) => setTime)).toEqual([day(1), day(2)]);
  });
});

test('space: each set beside the other, and the server for the larger one', () => {
  const mebibyte = 1024 * 1024;
  expect(fetchShortage(6 * mebibyte, [2 * mebibyte])).toBeUndefined();
  expect(fetchShortage(6 * mebibyte - 1, [2 * mebibyte])).toContain(
    'needs 6.0 MiB: 2.0 MiB for the fetched backup, 4.0 MiB',
  );
  expect(fetchShortage(7 * mebibyte - 1, [mebibyte, 2 * mebibyte])).toContain('needs 7.0 MiB');
  expect(fetchShortage(Infinity, [2 ** 50])).toBeUndefined();
});

test('space for a restore: the backup itself, since what is done with it shows later', () => {
  expect(bringShortage(2048, 2048)).toBeUndefined();
  expect(bringShortage(2047, 2048)).toContain('has 2.0 KiB free, and the backup alone has 2.0 KiB');
});

test('the digest of a content: whatever the order; every name, size and digest counts', () => {
  const files = ['a', 'b', 'c'].map((name) => ({ name, size: 1, sha256: name }));
  const [first = { name: '', size: 0, sha256: '' }, ...rest] = files;
  expect(contentOf(files.toReversed())).toEqual(contentOf(files));
  for (const other of [
    rest,
    [...rest, { ...first, name: 'd' }],
    [...rest, { ...first, size: 2 }],
    [...rest, { ...first, sha256: 'x' }],
  ])
    expect(contentOf(other).digest).not.toBe(contentOf(files).digest);
});

test('the hashes of a manifest, volume by volume', () => {
  const text = `Hostname h
Localdir /o
Filelist 1
    new      "a"
Volume 1:
    StartingPath   .
    EndingPath     agama/agama.sql 15
    Hash SHA1 ${'a'.repeat(40)}
Volume 2:
    StartingPath   agama/agama.sql 16
    EndingPath     "Hash SHA1 ${'c'.repeat(40)}"
    Hash SHA1 ${'b'.repeat(40)}
`;
  expect([...manifestVolumeHashes(text)]).toEqual([
    [1, 'a'.repeat(40)],
    [2, 'b'.repeat(40)],
  ]);
});

describe('parseSecretKeys', () => {
  const line = (type: string, capabilities: string, token: string): string =>
    `${type}:-:255:22:KEY:1:::u:::${capabilities}:::${token}:::23::0:`;
  const print = (text: string): string => `fpr:::::::::${text}:`;
  test.each([
    {
      reason: 'a subkey decrypts',
      lines: [line('sec', 'scESC', '+'), print('A'), line('ssb', 'e', '+'), print('B')],
      keys: [{ primary: 'A', usable: true }],
    },
    { reason: 'signs only', lines: [line('sec', 'scSC', '+'), print('A')], keys: [{ primary: 'A', usable: false }] },
    {
      reason: 'a stub',
      lines: [line('sec', 'scESC', '+'), print('A'), line('ssb', 'e', '#')],
      keys: [{ primary: 'A', usable: false }],
    },
    {
      reason: 'an old key beside the new one',
      lines: [
        line('sec', 'sc', '+'),
        print('A'),
        line('ssb', 'e', '+'),
        print('X'),
        line('sec', 'sc', '+'),
        print('B'),
        line('ssb', 'e', '+'),
      ],
      keys: [
        { primary: 'A', usable: true },
        { primary: 'B', usable: true },
      ],
    },
    { reason: 'nothing', lines: [], keys: [] },
  ])('$reason', ({ lines, keys }) => {
    expect(parseSecretKeys(lines.join('\n'))).toEqual(keys);
  });
});
