import { filesIn, topNames } from '../../../../src/agent/ship/listing.ts';

test('filesIn keeps to one directory and topNames to the first part', () => {
  const listing = ['m', 'chain-a/x', 'chain-ab/y', 'chain-a/z'].map((name) => ({ name, size: 1 }));
  expect(filesIn(listing, 'chain-a')).toEqual([
    { name: 'x', size: 1 },
    { name: 'z', size: 1 },
  ]);
  expect([...topNames(listing)]).toEqual(['m', 'chain-a', 'chain-ab']);
});
