import * as fc from 'fast-check';
import { createHeap } from '../../../src/kube/heap.ts';

test('pops what was pushed, smallest first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (numbers) => {
      const heap = createHeap<number>((a, b) => a - b);
      for (const number of numbers) heap.push(number);
      const popped = numbers.map(() => heap.pop());
      expect(popped).toEqual([...numbers].sort((a, b) => a - b));
      expect(heap.peek()).toBeUndefined();
    }),
  );
});
