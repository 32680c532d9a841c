import * as fc from 'fast-check';
import { forecastCopy, freeBytes, freeOf, loadShortage, sizeWords, uploadShortage } from '../../../src/agent/space.ts';

const gibibyte = 2 ** 30;
const bytes = fc.integer({ min: 0, max: 2 ** 45 });
const sizes = fc.array(fc.integer({ min: 1, max: 2 ** 40 }), { minLength: 1, maxLength: 8 });
const space = fc.record({ free: bytes, copies: sizes, keep: fc.integer({ min: 1, max: 100 }), archive: bytes });

test('with room for as large a copy as there ever was a dump is never refused', () => {
  fc.assert(
    fc.property(space, (given) => {
      fc.pre(given.free >= Math.min(...given.copies));
      expect(forecastCopy(given).verdict).not.toBe('Short');
    }),
  );
});

test('a dump is refused exactly when not even half of the smallest copy would fit, and both numbers are named', () => {
  fc.assert(
    fc.property(space, fc.nat(1000), (given, thousandth) => {
      const smallest = Math.min(...given.copies);
      const free = Math.floor((smallest * thousandth) / 1000);
      const forecast = forecastCopy({ ...given, free });
      expect(forecast.verdict === 'Short').toBe(free < smallest / 2);
      const words = forecast.verdict === 'Enough' ? '' : forecast.words;
      expect(forecast.verdict === 'Enough' || words.includes(sizeWords(free))).toBe(true);
      expect(forecast.verdict !== 'Short' || words.includes(sizeWords(smallest))).toBe(true);
    }),
  );
});

test('more room never makes it worse, and what is enough holds all that is promised', () => {
  const rank = { Short: 0, Low: 1, Enough: 2 } as const;
  fc.assert(
    fc.property(space, bytes, (given, more) => {
      const before = forecastCopy(given).verdict;
      const after = forecastCopy({ ...given, free: given.free + more }).verdict;
      expect(rank[after]).toBeGreaterThanOrEqual(rank[before]);
      const [newest = 0] = given.copies;
      const missing = Math.max(0, given.keep - given.copies.length) + 1;
      expect(before === 'Enough').toBe(
        given.free >= newest * missing + given.archive && given.free >= Math.min(...given.copies) / 2,
      );
    }),
  );
});

test.each([
  { free: 0, copies: [], verdict: 'Enough', reason: 'before the first dump nothing is known' },
  { free: 3 * gibibyte, copies: [gibibyte], verdict: 'Enough', reason: 'two more, and the one that is made' },
  { free: 2 * gibibyte, copies: [gibibyte], verdict: 'Low', reason: 'one of those that are to be kept will not fit' },
  { free: gibibyte, copies: [gibibyte, gibibyte, gibibyte], verdict: 'Enough', reason: 'all that are kept are there' },
  { free: gibibyte - 1, copies: [gibibyte, gibibyte, gibibyte], verdict: 'Low', reason: 'a byte too little' },
  { free: 400 * 2 ** 20, copies: [gibibyte, gibibyte], verdict: 'Short', reason: 'not half' },
  { free: 400 * 2 ** 20, copies: [gibibyte, 2 ** 20], verdict: 'Low', reason: 'a small one was there before' },
])('keep 3, $free bytes free: $verdict ($reason)', ({ free, copies, verdict }) => {
  expect(forecastCopy({ free, copies, keep: 3, archive: 0 }).verdict).toBe(verdict);
});

test('words fit a note', () => {
  const huge = { free: 1023.9 * 2 ** 40, copies: [2 ** 50], keep: 100, archive: 2 ** 50 };
  const forecast = forecastCopy(huge);
  expect(forecast.verdict).toBe('Low');
  expect('words' in forecast ? forecast.words.length : 0).toBeLessThanOrEqual(320);
});

test('an upload is refused exactly when its volumes do not fit, by duplicity’s own reckoning, or the archive could not be copied', () => {
  fc.assert(
    fc.property(
      bytes,
      bytes,
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 0, max: 1 }),
      bytes,
      (scratchFree, claimFree, volumeMebibytes, volumesAhead, archive) => {
        const volume = volumeMebibytes * 2 ** 20;
        const fits = scratchFree >= (2 + volumesAhead) * volume + Math.floor(0.3 * volume) && claimFree >= archive;
        const space = { scratchFree, claimFree, volumeMebibytes, volumesAhead, archive };
        expect(uploadShortage(space) === undefined).toBe(fits);
      },
    ),
  );
});

test('a file system that tells nothing stops nothing', async () => {
  expect(freeOf({ blocks: 0, bavail: 0, bsize: 4096 })).toBe(Infinity);
  expect(freeOf({ blocks: 100, bavail: 0, bsize: 4096 })).toBe(0);
  expect(await freeBytes('/nowhere/at/all')).toBe(Infinity);
  expect(await freeBytes('/')).toBeGreaterThan(0);
});

test.each([
  { bytes: 0, words: '0 bytes' },
  { bytes: 1023, words: '1023 bytes' },
  { bytes: 1536, words: '1.5 KiB' },
  { bytes: 4.1 * gibibyte, words: '4.1 GiB' },
  { bytes: 2 ** 60, words: '1024.0 PiB' },
])('$bytes bytes are $words', ({ bytes, words }) => {
  expect(sizeWords(bytes)).toBe(words);
});

test.each([
  { free: 120, backup: 100, short: false, reason: 'what the backup has, and some more' },
  { free: 119, backup: 100, short: true, reason: 'a byte less' },
  { free: 0, backup: 0, short: false, reason: 'nothing needs nothing' },
  { free: Infinity, backup: 2 ** 50, short: false, reason: 'a file system that does not tell' },
])('loading $backup bytes with $free bytes free: $reason', ({ free, backup, short }) => {
  const words = loadShortage({ free, backup });
  expect(words !== undefined).toBe(short);
  // What storage there must be: the backup lies there as well.
  expect(words ?? sizeWords(backup * 2.2)).toContain(sizeWords(backup * 2.2));
});
