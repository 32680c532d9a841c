import type { Logger } from './logger.ts';
import { deepFreeze, type Entry, type WritableStore } from './store.ts';
import { keyOf, type DeepReadonly, type KubeObject, type ResourceType } from './types.ts';
import type { WatchEvent } from './watch.ts';

/** A change of one object. An object deleted and made again under its name is two events: it is not the same object. */
export type ObjectEvent<T> =
  | { readonly type: 'added'; readonly key: string; readonly object: DeepReadonly<T> }
  | { readonly type: 'modified'; readonly key: string; readonly object: DeepReadonly<T>; readonly old: DeepReadonly<T> }
  | { readonly type: 'deleted'; readonly key: string; readonly object: DeepReadonly<T> };

export interface EventSinkOptions<T> {
  readonly type: ResourceType;
  readonly store: WritableStore<T>;
  readonly project: (raw: KubeObject) => T;
  readonly logger: Logger;
}

/** Turns what the API server says into changes of the store and events about them. */
export interface EventSink<T> {
  onEvent(handler: (event: ObjectEvent<T>) => void): void;
  /** The store becomes exactly `items`; then the events for all differences are sent. */
  replace(items: readonly KubeObject[]): void;
  apply(event: WatchEvent): void;
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
  const leaveOut = (raw: KubeObject, error: unknown): ObjectEvent<T>[] => {
    const key = keyOf(raw.metadata);
    logger.error({ err: error, kind: type.kind, key }, 'an object cannot be read and is left out');
    return remove(key);
  };
  const put = (raw: KubeObject): ObjectEvent<T>[] => {
    const key = keyOf(raw.metadata);
    const old = store.entry(key);
    const { uid = '', resourceVersion = '' } = raw.metadata;
    if (old?.uid === uid && old.resourceVersion === resourceVersion) return [];
    const entry = entryOf(raw);
    store.set(entry);
    const object = entry.value;
    if (old === undefined) return [{ type: 'added', key, object }];
    if (old.uid === uid) return [{ type: 'modified', key, object, old: old.value }];
    return [
      { type: 'deleted', key, object: old.value },
      { type: 'added', key, object },
    ];
  };

  // The project and index functions are the callers': what one of them throws costs one object, not the watch.
  const guarded = (raw: KubeObject, change: (raw: KubeObject) => ObjectEvent<T>[]): ObjectEvent<T>[] => {
    try {
      return change(raw);
    } catch (error) {
      return leaveOut(raw, error);
    }
  };

  return {
    onEvent(handler) {
      handlers.push(handler);
      for (const key of store.keys()) {
        const object = store.getByKey(key);
        if (object !== undefined) callSafely(handler, { type: 'added', key, object }, report);
      }
    },
    replace(items) {
      const present = new Set(items.map(({ metadata }) => keyOf(metadata)));
      const gone = store.keys().filter((key) => !present.has(key));
      emit([...gone.flatMap((key) => remove(key)), ...items.flatMap((item) => guarded(item, put))]);
    },
    apply({ type: change, object }) {
      if (change !== 'DELETED') return emit(guarded(object, put));
      const known = store.entry(keyOf(object.metadata));
      // The event carries the object as it last was: what changed with the deletion itself is seen.
      if (known?.uid === (object.metadata.uid ?? '')) {
        emit(guarded(object, (last) => remove(known.key, frozen(entryOf(last)))));
      }
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
