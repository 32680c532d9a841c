import * as fc from 'fast-check';
import { parseListing } from '../../../../src/agent/repositories/rsync/listing.ts';

describe('parseListing', () => {
  test.each([
    {
      reason: 'a regular file below a directory',
      text: '-rw-r--r--         170 2026/11/22 16:32:53 chain-x/duplicity-full.20261122T163251Z.manifest',
      expected: [{ name: 'chain-x/duplicity-full.20261122T163251Z.manifest', size: 170 }],
    },
    {
      reason: 'thousands separators',
      text: '-rw-r--r--     309,059 2026/11/22 16:32:52 a',
      expected: [{ name: 'a', size: 309059 }],
    },
    { reason: 'directories are left out', text: 'drwxr-xr-x        4096 2026/11/22 16:32:51 .', expected: [] },
    { reason: 'links are left out', text: 'lrwxrwxrwx           1 2026/11/22 16:32:51 a -> b', expected: [] },
    {
      reason: 'blanks in a name',
      text: '-rw-r--r--           1 2026/11/22 16:32:51  a  b ',
      expected: [{ name: ' a  b ', size: 1 }],
    },
    {
      reason: 'a line end in a name',
      text: String.raw`-rw-r--r--           1 2026/11/22 16:32:51 a\#012b`,
      expected: [{ name: 'a\nb', size: 1 }],
    },
    {
      reason: 'an access list mark',
      text: '-rw-r--r--+          1 2026/11/22 16:32:51 a',
      expected: [{ name: 'a', size: 1 }],
    },
    { reason: 'a greeting of the host', text: 'Welcome to backup.example.com\n', expected: [] },
    { reason: 'nothing', text: '', expected: [] },
  ])('$reason', ({ text, expected }) => {
    expect(parseListing(text)).toEqual(expected);
  });

  test('any printable name and any size come back', () => {
    const file = fc.record({
      name: fc.stringMatching(/^[a-zA-Z0-9._() -]+$/).filter((name) => name !== ''),
      size: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(file), (files) => {
        const text = files.map(
          ({ name, size }) => `-rw-r--r-- ${String(size).padStart(11)} 2026/11/22 16:32:51 ${name}`,
        );
        expect(parseListing(text.join('\n'))).toEqual(files);
      }),
    );
  });
});
