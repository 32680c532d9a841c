import { isoOfStamp, manifestVolumes, parseSetFile } from '../../../../src/agent/ship/set-files.ts';

const full = '20261122T163251Z';
const inc = '20261122T163544Z';

test.each([
  { name: `duplicity-full.${full}.vol12.difftar.gpg`, expected: { setTime: full, part: 'volume', volume: 12 } },
  { name: `duplicity-full.${full}.vol1.difftar`, expected: { setTime: full, part: 'volume', volume: 1 } },
  { name: `duplicity-full.${full}.manifest`, expected: { setTime: full, part: 'manifest' } },
  { name: `duplicity-full-signatures.${full}.sigtar.gz`, expected: { setTime: full, part: 'signatures' } },
  {
    name: `duplicity-inc.${full}.to.${inc}.vol3.difftar.gz`,
    expected: { setTime: inc, baseTime: full, part: 'volume', volume: 3 },
  },
  {
    name: `duplicity-inc.${full}.to.${inc}.manifest.gpg`,
    expected: { setTime: inc, baseTime: full, part: 'manifest' },
  },
  {
    name: `duplicity-new-signatures.${full}.to.${inc}.sigtar.gpg`,
    expected: { setTime: inc, baseTime: full, part: 'signatures' },
  },
  { name: `.duplicity-full.${full}.vol1.difftar.gz.YGvT0F`, expected: undefined },
  { name: `duplicity-full.${full}.manifest.part`, expected: undefined },
  { name: `duplicity-full.${full}.manifest copy`, expected: undefined },
  { name: 'holdfast-owner.json', expected: undefined },
  { name: 'lockfile', expected: undefined },
])('$name', ({ name, expected }) => {
  expect(parseSetFile(name)).toEqual(expected);
});

test('a manifest lists its volumes', () => {
  const text =
    'Hostname vm\nLocaldir src\nVolume 1:\n    StartingPath   .  \n    Hash SHA1 cd\nVolume 2:\n    Hash SHA1 ef\nFilelist 1\n    new      Volume 3:\n';
  expect(manifestVolumes(text)).toEqual([1, 2]);
});

test('a stamp becomes a time', () => {
  expect(isoOfStamp(full)).toBe('2026-11-22T16:32:51Z');
});
