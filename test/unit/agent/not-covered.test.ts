import { fitNotCovered } from '../../../src/agent/dump/make-copy.ts';

test.each([
  { given: ['a', 'b', 'c', 'd'], kept: ['a', 'b', 'c', 'd'], reason: 'four are shown' },
  {
    given: ['a', 'b', 'c', 'd', 'e'],
    kept: ['a', 'b', 'c', 'and 2 more: see the log of the Job'],
    reason: 'of more, the last place counts the rest: none is passed over in silence',
  },
  { given: ['x'.repeat(200)], kept: [`${'x'.repeat(159)}…`], reason: 'status bounds the length' },
  { given: ['a\nb'], kept: ['a b'], reason: 'one line each' },
])('$reason', ({ given, kept }) => {
  expect(fitNotCovered(given)).toEqual(kept);
});
