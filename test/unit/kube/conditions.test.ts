import * as fc from 'fast-check';
import {
  findCondition,
  nextConditions,
  removeCondition,
  setCondition,
  type Condition,
  type StatedCondition,
} from '../../../src/kube/conditions.ts';

const t1 = new Date('2026-01-01T00:00:00.900Z');
const t2 = new Date('2026-01-02T00:00:00Z');
const ready: StatedCondition = { type: 'Ready', status: 'True', reason: 'Applied', message: 'all applied' };

test.each([
  { next: { ...ready, message: 'other' }, moves: false, reason: 'only the message changed' },
  { next: { ...ready, reason: 'Other' }, moves: false, reason: 'only the reason changed' },
  { next: { ...ready, observedGeneration: 2 }, moves: false, reason: 'only the generation changed' },
  { next: { ...ready, status: 'False' as const }, moves: true, reason: 'the status changed' },
  { next: { ...ready, status: 'Unknown' as const }, moves: true, reason: 'True to Unknown is a change' },
])('$reason', ({ next, moves }) => {
  const before = setCondition([], ready, t1);
  const after = setCondition(before, next, t2);
  expect(after).toEqual([{ ...next, lastTransitionTime: moves ? '2026-01-02T00:00:00Z' : '2026-01-01T00:00:00Z' }]);
});

test('a condition that is not stated any more is gone', () => {
  const old = setCondition(setCondition([], ready, t1), { ...ready, type: 'Stalled' }, t1);
  expect(nextConditions(old, [ready], t2).map(({ type }) => type)).toEqual(['Ready']);
});

test('removing leaves the others as they are', () => {
  const old = setCondition(setCondition([], ready, t1), { ...ready, type: 'Stalled' }, t1);
  expect(removeCondition(old, 'Stalled')).toEqual([findCondition(old, 'Ready')]);
});

test('the same statements in any order, again and again, make the same list', () => {
  const stated = fc.uniqueArray(
    fc.record({
      type: fc.constantFrom('Ready', 'Protected', 'Verified', 'Stalled'),
      status: fc.constantFrom('True', 'False', 'Unknown'),
      reason: fc.constantFrom('A', 'B'),
      message: fc.string(),
    }),
    { selector: ({ type }) => type },
  );
  fc.assert(
    fc.property(stated, stated, (first, second) => {
      const old: Condition[] = nextConditions([], first, t1);
      const next = nextConditions(old, second, t2);
      expect(nextConditions(old.toReversed(), second.toReversed(), t2)).toEqual(next);
      expect(nextConditions(next, second, new Date('2027-01-01'))).toEqual(next);
      expect(next.map(({ type }) => type)).toEqual(second.map(({ type }) => type).sort());
    }),
  );
});
