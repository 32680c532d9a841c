import type { Logger } from './logger.ts';
import { deepFreeze, type Entry, type WritableStore } from './store.ts';
import type { DeepReadonly } from '../base/types.ts';
import { keyOf, type KubeObject, type ResourceType } from './types.ts';
import { isNewer } from './version.ts';
import type { WatchEvent } from './watch.ts';

/** A change of one object. An object deleted and made again under its name is two events: it is not the same object. */
export type ObjectEvent<T> =
  | { readonly type: 'added'; readonly key: string; readonly object: DeepReadonly<T> }
  | { readonly type: 'modified'; readonly key: string; readonly object: DeepReadonly<T>; readonly old: DeepReadonly<T> }
  | { readonly type: 'deleted'; readonly key: string; readonly object: DeepReadonly<T> };

/** The keys that a change points to: of an object that was changed those of before too, for what it names no longer misses it. */
export const keysOfEvent = <T>(
  event: ObjectEvent<T>,
  keys: (value: DeepReadonly<T>) => readonly string[],
): readonly string[] => [...new Set([...keys(event.object), ...(event.type === 'modified' ? keys(event.old) : [])])];

export interface EventSinkOptions<T> {
  readonly type: ResourceType;
  readonly store: WritableStore<T>;
  readonly project: (raw: KubeObject) => T;
  readonly logger: Logger;
}

/** An object of a list, read as soon as its page was there. */
export type Incoming<T> = { readonly entry: Entry<T> } | { readonly key: string; readonly unreadable: unknown };

/** Turns what the API server says into changes of the store and events about them. */
export interface EventSink<T> {
  onEvent(handler: (event: ObjectEvent<T>) => void): void;
  /** Reads an object of a list; one that the store has in this very version is not read again. */
  read(raw: KubeObject): Incoming<T>;
  /** The store becomes exactly `items`; then the events for all differences are sent. */
  replace(items: readonly Incoming<T>[]): void;
  /** An event of the watch; one that is older than what was remembered is passed over. */
  apply(event: WatchEvent): void;
  /**
   * Takes in what the server answered to a write of our own, which the watch has not told yet. `silent` sends no event: who wrote it knows.
   */
  remember(raw: KubeObject, options?: { readonly silent?: boolean }): void;
}

export function createEventSink<T>({ type, store, project, logger }: EventSinkOptions<T>): EventSink<T> {
  const handlers: ((event: ObjectEvent<T>) => void)[] = [];

  const report = (error: unknown, key: string): void => {
    logger.error({ err: error, kind: type.kind, key }, 'an event handler failed');
  };
  const emit = (events: readonly ObjectEvent<T>[]): void => {
    for (const event of events) {
      for (const handler of handlers) callSafely(handler, event, report);
    }
  };
  const entryOf = (raw: KubeObject): Entry<T> => ({
    key: keyOf(raw.metadata),
    uid: raw.metadata.uid ?? '',
    resourceVersion: raw.metadata.resourceVersion ?? '',
    value: project(withoutManagedFields(raw)) as DeepReadonly<T>,
  });
  const remove = (key: string, last?: Entry<T>): ObjectEvent<T>[] => {
    const object = last?.value ?? store.getByKey(key);
    if (object === undefined) return [];
    store.delete(key);
    return [{ type: 'deleted', key, object }];
  };
  // The project and index functions are the callers': what one of them throws costs one object, not the watch.
  const leaveOut = (key: string, error: unknown): ObjectEvent<T>[] => {
    logger.error({ err: error, kind: type.kind, key }, 'an object cannot be read and is left out');
    return remove(key);
  };
  const read = (raw: KubeObject): Incoming<T> => {
    const key = keyOf(raw.metadata);
    const known = store.entry(key);
    const { uid = '', resourceVersion = '' } = raw.metadata;
    if (known?.uid === uid && known.resourceVersion === resourceVersion) return { entry: known };
    try {
      return { entry: entryOf(raw) };
    } catch (error) {
      return { key, unreadable: error };
    }
  };
  const put = (incoming: Incoming<T>): ObjectEvent<T>[] => {
    if ('unreadable' in incoming) return leaveOut(incoming.key, incoming.unreadable);
    const { entry } = incoming;
    const { key, uid, value: object } = entry;
    const old = store.entry(key);
    if (old === entry) return [];
    try {
      store.set(entry);
    } catch (error) {
      return leaveOut(key, error);
    }
    if (old === undefined) return [{ type: 'added', key, object }];
    if (old.uid === uid) return [{ type: 'modified', key, object, old: old.value }];
    return [
      { type: 'deleted', key, object: old.value },
      { type: 'added', key, object },
    ];
  };

  const isBehind = ({ metadata }: KubeObject): boolean => {
    const known = store.entry(keyOf(metadata));
    return known !== undefined && isNewer(known.resourceVersion, metadata.resourceVersion ?? '');
  };

  return {
    onEvent(handler) {
      handlers.push(handler);
      for (const key of store.keys()) {
        const object = store.getByKey(key);
        if (object !== undefined) callSafely(handler, { type: 'added', key, object }, report);
      }
    },
    read,
    replace(items) {
      const present = new Set(items.map((item) => ('entry' in item ? item.entry.key : item.key)));
      const gone = store.keys().filter((key) => !present.has(key));
      emit([...gone.flatMap((key) => remove(key)), ...items.flatMap(put)]);
    },
    apply({ type: change, object }) {
      if (isBehind(object)) return;
      const incoming = read(object);
      if (change !== 'DELETED') return emit(put(incoming));
      const known = store.entry(keyOf(object.metadata));
      if (known?.uid !== (object.metadata.uid ?? '')) return;
      if ('unreadable' in incoming) return emit(leaveOut(known.key, incoming.unreadable));
      // The event carries the object as it last was: what changed with the deletion itself is seen.
      emit(remove(known.key, frozen(incoming.entry)));
    },
    remember(raw, { silent = false } = {}) {
      if (isBehind(raw)) return;
      const events = put(read(raw));
      if (!silent) emit(events);
    },
  };
}

function frozen<E extends { readonly value: unknown }>(entry: E): E {
  deepFreeze(entry.value);
  return entry;
}

// Often the greater part of an object, and of use to nobody here.
function withoutManagedFields(raw: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = raw.metadata;
  return { ...raw, metadata };
}

function callSafely<E extends { key: string }>(
  handler: (event: E) => unknown,
  event: E,
  report: (error: unknown, key: string) => void,
): void {
  try {
    const result = handler(event);
    // An async function passes for one that returns nothing; its rejection would end the process.
    if (result instanceof Promise) result.catch((error: unknown) => report(error, event.key));
  } catch (error) {
    report(error, event.key);
  }
}
