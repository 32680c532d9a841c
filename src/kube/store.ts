import type { DeepReadonly } from '../base/types.ts';
import { keyOf, nameOf } from './types.ts';

/** One cached object: its identity as the API server knows it, and the projection of it. */
export interface Entry<T> {
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly value: DeepReadonly<T>;
}

/** From an object to the index keys under which it is found. */
export type IndexFunctions<T> = Readonly<Record<string, (value: DeepReadonly<T>) => readonly string[]>>;

/** What the cache knows. Everything handed out is read-only and deeply frozen. */
export interface Store<T> {
  get(namespace: string | undefined, name: string): DeepReadonly<T> | undefined;
  getByKey(key: string): DeepReadonly<T> | undefined;
  entry(key: string): Entry<T> | undefined;
  /** All objects, or those of one namespace; in no promised order. */
  list(namespace?: string): readonly DeepReadonly<T>[];
  keys(): readonly string[];
  /** The objects an index function filed under `indexKey`. @throws {RangeError} there is no such index */
  byIndex(index: string, indexKey: string): readonly DeepReadonly<T>[];
  readonly size: number;
}

/** A {@link Store} with its writing side, which only the reflector holds. */
export interface WritableStore<T> extends Store<T> {
  set(entry: Entry<T>): void;
  delete(key: string): void;
}

export function createStore<T>(indexes: IndexFunctions<T> = {}): WritableStore<T> {
  const entries = new Map<string, Entry<T>>();
  const files = new Map(Object.keys(indexes).map((index) => [index, new Map<string, Set<string>>()]));
  // What an entry was filed under, kept: asking the index function again later might give another answer.
  const filedUnder = new Map<string, readonly (readonly [index: string, indexKey: string])[]>();

  const unfile = (key: string): void => {
    for (const [index, indexKey] of filedUnder.get(key) ?? []) {
      const drawer = files.get(index);
      const keys = drawer?.get(indexKey);
      keys?.delete(key);
      if (keys?.size === 0) drawer?.delete(indexKey);
    }
    filedUnder.delete(key);
  };
  const file = (key: string, places: readonly (readonly [string, string])[]): void => {
    for (const [index, indexKey] of places) {
      const drawer = files.get(index);
      const keys = drawer?.get(indexKey) ?? new Set();
      drawer?.set(indexKey, keys.add(key));
    }
    filedUnder.set(key, places);
  };
  const values = (keys: Iterable<string>): readonly DeepReadonly<T>[] =>
    [...keys].flatMap((key) => {
      const entry = entries.get(key);
      return entry === undefined ? [] : [entry.value];
    });

  return {
    get: (namespace, name) => entries.get(keyOf({ namespace, name }))?.value,
    getByKey: (key) => entries.get(key)?.value,
    entry: (key) => entries.get(key),
    list: (namespace) => {
      if (namespace === undefined) return [...entries.values()].map(({ value }) => value);
      return values([...entries.keys()].filter((key) => nameOf(key).namespace === namespace));
    },
    keys: () => [...entries.keys()],
    byIndex(index, indexKey) {
      const drawer = files.get(index);
      if (drawer === undefined) throw new RangeError(`the store has no index '${index}'`);
      return values(drawer.get(indexKey) ?? []);
    },
    get size() {
      return entries.size;
    },
    set(entry) {
      deepFreeze(entry.value);
      // The index functions run first: when one throws, the store is as it was.
      const places = Object.entries(indexes).flatMap(([index, keysOf]) =>
        keysOf(entry.value).map((indexKey) => [index, indexKey] as const),
      );
      unfile(entry.key);
      entries.set(entry.key, Object.freeze(entry));
      file(entry.key, places);
    },
    delete(key) {
      unfile(key);
      entries.delete(key);
    },
  };
}

/** Freezes plain data all the way down, so that who changes what the cache handed out fails at once and loudly. */
export function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
}
