import * as fc from 'fast-check';
import { createStore } from '../../../src/kube/store.ts';

interface Item {
  readonly name: string;
  readonly colours: readonly string[];
}

const entry = (key: string, colours: readonly string[]) => ({
  key,
  uid: 'u',
  resourceVersion: '1',
  value: { name: key, colours: [...colours] },
});

test('what the store hands out cannot be changed', () => {
  const store = createStore<Item>();
  store.set(entry('a/x', ['red']));
  const item = store.get('a', 'x');
  expect(() => Reflect.apply(Array.prototype.push, item?.colours, ['blue'])).toThrow(TypeError);
  expect(Reflect.set(item ?? {}, 'name', 'other')).toBe(false);
  expect(store.getByKey('a/x')).toEqual({ name: 'a/x', colours: ['red'] });
});

test('lists by namespace', () => {
  const store = createStore<Item>();
  for (const key of ['a/x', 'a/y', 'ab/z', 'clusterwide']) store.set(entry(key, []));
  expect(store.list('a').map(({ name }) => name)).toEqual(['a/x', 'a/y']);
  expect(store.list()).toHaveLength(4);
});

test('an unknown index is an error, not an empty answer', () => {
  expect(() => createStore<Item>().byIndex('colour', 'red')).toThrow(RangeError);
});

test('an index function that throws leaves the store as it was', () => {
  const store = createStore<Item>({
    colour: ({ colours }) => {
      if (colours.includes('bad')) throw new Error('bad');
      return colours;
    },
  });
  store.set(entry('a', ['red']));
  expect(() => store.set(entry('a', ['bad']))).toThrow('bad');
  expect(store.byIndex('colour', 'red').map(({ name }) => name)).toEqual(['a']);
});

test('an index finds exactly the objects that have the key now', () => {
  const colour = fc.constantFrom('red', 'green', 'blue');
  const change = fc.record({ key: fc.constantFrom('n/a', 'n/b', 'm/a'), colours: fc.option(fc.uniqueArray(colour)) });
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const store = createStore<Item>({ colour: ({ colours }) => colours });
      const model = new Map<string, readonly string[]>();
      for (const { key, colours } of changes) {
        if (colours === null) {
          store.delete(key);
          model.delete(key);
        } else {
          store.set(entry(key, colours));
          model.set(key, colours);
        }
      }
      for (const wanted of ['red', 'green', 'blue']) {
        const expected = [...model].filter(([, colours]) => colours.includes(wanted)).map(([key]) => key);
        const found = store.byIndex('colour', wanted).map(({ name }) => name);
        expect(found.sort()).toEqual(expected.sort());
      }
      expect(store.size).toBe(model.size);
    }),
  );
});
