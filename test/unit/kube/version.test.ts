import { compareVersions, isNewer } from '../../../src/kube/version.ts';

test.each([
  { a: '9', b: '10', order: -1, reason: 'as numbers, not as text' },
  { a: '10', b: '9', order: 1, reason: 'the other way round' },
  { a: '7', b: '7', order: 0, reason: 'the same' },
  { a: '18446744073709551616', b: '18446744073709551615', order: 1, reason: 'beyond what a number holds exactly' },
  { a: '', b: '1', order: undefined, reason: 'none is no version' },
  { a: '1e3', b: '1', order: undefined, reason: 'what is no number cannot be compared' },
  { a: '-1', b: '1', order: undefined, reason: 'nor what is below zero' },
])('$a and $b: $reason', ({ a, b, order }) => {
  expect(compareVersions(a, b)).toBe(order);
  expect(isNewer(a, b)).toBe(order === 1);
});
