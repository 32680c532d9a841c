import { setsUpTo } from '../../../../src/agent/fetch/choose.ts';
import { isoOfStamp } from '../../../../src/agent/ship/set-files.ts';
import type { ListedFile } from '../../../../src/agent/ship/listing.ts';
import { findFound } from '../../../../src/agent/restore/found/open.ts';
import { foundTimes } from '../../../../src/agent/restore/found/choose.ts';
import { foundChains, type FoundChain } from '../../../../src/agent/restore/found/listed.ts';
import { sealOf, volumesProblem } from '../../../../src/agent/restore/found/seal.ts';
import { unrecordedWords } from '../../../../src/agent/restore/found/words.ts';
import { runErrorOf } from '../../../../src/agent/failure-of.ts';
import { maxUnrecordedWords } from '../../../../src/api/v1alpha1/restore-report.ts';
import { listedChain, listedSet, stampOf } from '../../../support/found.ts';

const chain = `chain-${stampOf(1)}`;
const now = new Date('2026-11-20T00:00:00Z');
const time = (day: number): string => isoOfStamp(stampOf(day));
interface Options {
  readonly encrypted?: boolean;
  /** Days of the sets of the chain that the ledger records. */
  readonly recorded?: number[];
  readonly objection?: string;
}
const found = (listing: readonly ListedFile[], { encrypted = true, recorded, objection }: Options = {}) => {
  const known = recorded && ([chain, { setTimes: new Set(recorded.map(time)), objection }] as const);
  return foundChains({ listing, recorded: new Map(known && [known]), encrypted, now });
};
const below = (files: readonly ListedFile[]): ListedFile[] =>
  files.map(({ name, size }) => ({ name: `${chain}/${name}`, size }));
const without = (part: string, files = listedChain([1, 2, 3])): ListedFile[] =>
  files.filter(({ name }) => !name.includes(part));
const inc = (base: number, day: number): string => `${stampOf(base)}.to.${stampOf(day)}`;

describe('what is whole of a chain that no ledger records', () => {
  test.each<{
    reason: string;
    listing: ListedFile[];
    options?: Options;
    whole: number[];
    broken?: [number, RegExp];
  }>([
    { reason: 'a full and two incrementals', listing: listedChain([1, 2, 3]), whole: [1, 2, 3] },
    { reason: 'in whatever order they are listed', listing: listedChain([1, 2, 3]).toReversed(), whole: [1, 2, 3] },
    {
      reason: 'not encrypted, as the policy has it',
      listing: listedChain([1, 2], { ending: '' }),
      options: { encrypted: false },
      whole: [1, 2],
    },
    {
      reason: 'what rsync was still writing is nothing yet',
      listing: [
        ...listedChain([1]),
        ...below([{ name: `.duplicity-inc.${inc(1, 2)}.vol1.difftar.gpg.Ab1cD2`, size: 5 }]),
      ],
      whole: [1],
    },
    {
      reason: 'not encrypted although the policy encrypts: anybody could have written it',
      listing: listedChain([1, 2], { ending: '' }),
      whole: [],
      broken: [1, /is not encrypted, as the policy would have it/],
    },
    {
      reason: 'encrypted although the policy does not encrypt',
      listing: listedChain([1]),
      options: { encrypted: false },
      whole: [],
      broken: [1, /is encrypted, and the policy does not encrypt/],
    },
    {
      reason: 'one file in the clear beside encrypted ones',
      listing: [
        ...without(`inc.${inc(1, 2)}.vol2`),
        ...below([{ name: `duplicity-inc.${inc(1, 2)}.vol2.difftar`, size: 5 }]),
      ],
      whole: [1],
      broken: [2, /vol2\.difftar is not encrypted/],
    },
    {
      reason: 'a volume in the middle is missing',
      listing: without(`inc.${inc(1, 2)}.vol1`),
      whole: [1],
      broken: [2, /^volume 1 is missing$/],
    },
    {
      reason: 'all its volumes are missing',
      listing: without(`inc.${inc(1, 2)}.vol`),
      whole: [1],
      broken: [2, /^it has no volume$/],
    },
    {
      reason: 'a volume is there twice',
      listing: [
        ...listedChain([1], { ending: '' }),
        ...below([{ name: `duplicity-full.${stampOf(1)}.vol2.difftar.gz`, size: 3 }]),
      ],
      options: { encrypted: false },
      whole: [],
      broken: [1, /^volume 2 is there twice$/],
    },
    {
      reason: 'the manifest of the last is missing: an upload that was cut short hides nothing before it',
      listing: without(`inc.${inc(2, 3)}.manifest`),
      whole: [1, 2],
      broken: [3, /^it has 0 manifests instead of one$/],
    },
    {
      reason: 'its signatures are missing',
      listing: without(`new-signatures.${inc(1, 2)}`),
      whole: [1],
      broken: [2, /0 files of signatures/],
    },
    {
      reason: 'a file is empty',
      listing: listedChain([1, 2]).map((file) =>
        file.name.includes(`${inc(1, 2)}.vol2`) ? { ...file, size: 0 } : file,
      ),
      whole: [1],
      broken: [2, /vol2\.difftar\.gpg is empty$/],
    },
    {
      reason: 'the set between is gone: what continues it is no backup',
      listing: without(inc(1, 2)),
      whole: [1],
      broken: [3, /continues a set of 2026-11-02T01:00:00Z, which is missing/],
    },
    {
      reason: 'its full is gone',
      listing: without('full'),
      whole: [],
      broken: [2, /continues a set of 2026-11-01T01:00:00Z, which is missing/],
    },
    {
      reason: 'two fulls: which one the others are of nobody says',
      listing: [...listedChain([1, 2]), ...below(listedSet(3))],
      whole: [],
      broken: [1, /^there are 2 fulls$/],
    },
    {
      reason: 'two sets continue the same one: one of them is somebody’s',
      listing: [...listedChain([1, 2]), ...below(listedSet(3, { base: 1 }))],
      whole: [1],
      broken: [2, /there are 2 sets that continue that of 2026-11-01/],
    },
    {
      reason: 'a set that is older than what it continues',
      listing: [
        ...listedChain([2]),
        ...listedSet(1, { base: 2 }).map((file) => ({ ...file, name: `chain-${stampOf(2)}/${file.name}` })),
      ],
      whole: [],
      broken: [1, /not younger than the set that it continues/],
    },
    {
      reason: 'two bases for one set',
      listing: [...listedChain([1, 2, 3]), ...below(listedSet(3, { base: 1 }))],
      whole: [1, 2],
      broken: [3, /does not belong to it$/],
    },
    {
      reason: 'an incremental by name that continues nothing',
      listing: [...listedChain([1]), ...below([{ name: `duplicity-inc.${stampOf(2)}.vol1.difftar.gpg`, size: 5 }])],
      whole: [],
      broken: [1, /^there are 2 fulls$/],
    },
    {
      reason: 'somebody’s file lies beside it',
      listing: [...listedChain([1, 2]), ...below([{ name: 'notes.txt', size: 5 }])],
      whole: [],
      broken: [1, /^"notes\.txt" is no file of a backup$/],
    },
    {
      reason: 'a directory lies in it',
      listing: [...listedChain([1]), ...below([{ name: 'sub/x', size: 5 }])],
      whole: [],
      broken: [1, /is no file of a backup/],
    },
    {
      reason: 'a set of a time that is yet to come hides none of those before it',
      listing: listedChain([1, 2, 25]),
      whole: [1, 2],
      broken: [25, /^its time is yet to come$/],
    },
  ])('$reason', ({ listing, options, whole, broken }) => {
    const [only, ...others] = found(listing, options);
    expect(others).toEqual([]);
    expect(only?.sets.map(({ setTime }) => setTime)).toEqual(whole.map(time));
    expect(only?.broken?.setTime).toBe(broken && time(broken[0]));
    expect(only?.broken?.why ?? '').toMatch(broken?.[1] ?? /^$/);
  });

  test.each<{ reason: string; listing: ListedFile[]; options?: Options }>([
    { reason: 'what the ledger records', listing: listedChain([1]), options: { recorded: [1] } },
    {
      reason: 'more in a chain of which nothing is restored',
      listing: listedChain([1, 2]),
      options: { recorded: [1], objection: 'vol1 was changed' },
    },
    {
      reason: 'a recorded set that is not whole: the ledger says that',
      listing: without('vol1', listedChain([1])),
      options: { recorded: [1] },
    },
    { reason: 'a name that is no chain’s', listing: listedChain([1], { directory: 'old' }) },
    { reason: 'a chain below another directory', listing: listedChain([1], { directory: `old/${chain}` }) },
    { reason: 'a directory without a file of duplicity', listing: below([{ name: 'x', size: 1 }]) },
    { reason: 'nothing', listing: [] },
  ])('not a found chain: $reason', ({ listing, options }) => {
    expect(found(listing, options)).toEqual([]);
  });

  test('sets at the end of a recorded chain: they alone can be taken, and the others come along', () => {
    const [only] = found(listedChain([1, 2, 3, 4]), { recorded: [1, 2] });
    expect(only?.sets.map(({ setTime, recorded }) => [setTime, recorded])).toEqual([
      [time(1), true],
      [time(2), true],
      [time(3), false],
      [time(4), false],
    ]);
    const chains = only === undefined ? [] : [only];
    expect(foundTimes({ chains, accepted: true })).toEqual([time(3), time(4)]);
  });
});

describe('a set is pinned to what was planned', () => {
  const [given] = found(listedChain([1, 2, 3]));
  const set = given?.sets[1];
  if (given === undefined || set === undefined) throw new Error('not found');
  const manifests = new Map<string, string>(
    listedChain([1, 2, 3]).flatMap(({ name }) => {
      const bare = name.slice(chain.length + 1);
      return bare.includes('manifest') ? [[bare, `digest of ${bare}`] as const] : [];
    }),
  );
  const choice = { chain: given, set };
  const seal = sealOf(choice, manifests);
  const resealed = (listing: ListedFile[], digests = manifests): string => {
    const [again] = found(listing);
    const same = again?.sets.find(({ setTime }) => setTime === set.setTime);
    return again === undefined || same === undefined ? 'gone' : sealOf({ chain: again, set: same }, digests);
  };
  const resized = (part: string): ListedFile[] =>
    listedChain([1, 2, 3]).map((file) => (file.name.includes(part) ? { ...file, size: 999 } : file));

  test('its sets are those up to it', () => {
    expect(setsUpTo(choice).map(({ setTime }) => setTime)).toEqual([time(1), time(2)]);
  });

  test.each([
    { reason: 'the same again', now: resealed(listedChain([1, 2, 3]).toReversed()), same: true },
    { reason: 'what came after it does not matter', now: resealed(listedChain([1, 2])), same: true },
    { reason: 'another size of a volume', now: resealed(resized(`${inc(1, 2)}.vol1`)), same: false },
    { reason: 'another size of a file of its full', now: resealed(resized(`full.${stampOf(1)}.vol2`)), same: false },
    { reason: 'another size of its signatures', now: resealed(resized(`signatures.${inc(1, 2)}`)), same: false },
    {
      reason: 'a volume more',
      now: resealed([
        ...listedChain([1, 2, 3]),
        ...below([{ name: `duplicity-inc.${inc(1, 2)}.vol3.difftar.gpg`, size: 9 }]),
      ]),
      same: false,
    },
    {
      reason: 'another manifest of the same size',
      now: resealed(listedChain([1, 2, 3]), new Map<string, string>([...manifests].map(([name]) => [name, 'other']))),
      same: false,
    },
    {
      reason: 'another chain',
      now: resealed(listedChain([1, 2, 3], { directory: `chain-${stampOf(4)}` })),
      same: false,
    },
  ])('$reason', ({ now: next, same }) => {
    expect(next).not.toBe('gone');
    expect(next === seal).toBe(same);
  });

  const planned = {
    type: 'Incremental',
    setTime: time(2),
    dataTime: time(2),
    chain,
    setDigest: seal,
    unrecorded: true,
  } as const;
  test.each<{ reason: string; chains: FoundChain[]; says: RegExp }>([
    { reason: 'its chain is gone', chains: [], says: /its chain is gone, or recorded by now/ },
    { reason: 'it is gone, and the set before it whole', chains: found(listedChain([1])), says: /: it is gone\./ },
    {
      reason: 'a volume of it is gone',
      chains: found(without(`${inc(1, 2)}.vol1`)),
      says: /in the set of 2026-11-02T01:00:00Z, volume 1 is missing/,
    },
  ])('not there any more: $reason', ({ chains, says }) => {
    let thrown: unknown;
    try {
      findFound(chains, planned);
    } catch (error) {
      thrown = error;
    }
    expect(runErrorOf(thrown)).toMatchObject({ reason: 'PointNotAvailable', detail: expect.stringMatching(says) });
  });

  const manifest = (...volumes: number[]): string => volumes.map((volume) => `Volume ${volume}:\n    x\n`).join('');
  test.each([
    { reason: 'as its manifest says', lists: manifest(1, 2), says: undefined },
    {
      reason: 'its last volume is missing, which no listing tells',
      lists: manifest(1, 2, 3),
      says: 'volume 3 of 3 is missing',
    },
    {
      reason: 'a volume that no manifest knows',
      lists: manifest(1),
      says: 'there are 2 volumes, and its manifest lists 1',
    },
    { reason: 'a manifest that lists none', lists: '', says: 'there are 2 volumes, and its manifest lists 0' },
  ])('volumes: $reason', ({ lists, says }) => {
    expect(volumesProblem(set, lists)).toBe(says);
  });
});

test('who could have made it is said, and nothing is cut off', () => {
  const owner = `belongs to policy shop/agama of the cluster ${'6'.repeat(36)}`;
  for (const [encryption, who] of [
    ['gpg', 'has the public key'],
    ['passphrase', 'knows the passphrase'],
    ['none', 'can write there could'],
  ] as const) {
    const words = unrecordedWords(encryption, owner);
    expect(words).toContain(who);
    expect(words).toContain(owner);
    expect(words).toContain('is not said to be proven.');
    expect(words).not.toContain('…');
    expect(unrecordedWords(encryption, 'x'.repeat(9999))).toHaveLength(maxUnrecordedWords);
  }
});
