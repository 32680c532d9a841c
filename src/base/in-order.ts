/**
 * Takes things in the order of their numbers, from 0 on, whatever order they come in: each is taken as soon as all before it are there, and
 * kept until then.
 */
export const inOrder = <Item>(take: (item: Item) => void): ((index: number, item: Item) => void) => {
  const waiting = new Map<number, { readonly item: Item }>();
  let next = 0;
  return (index, item) => {
    waiting.set(index, { item });
    for (let ready = waiting.get(next); ready !== undefined; ready = waiting.get(next)) {
      waiting.delete(next);
      next += 1;
      take(ready.item);
    }
  };
};
