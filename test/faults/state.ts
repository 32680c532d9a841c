import { isDeepStrictEqual } from 'node:util';
import { isRecord, type KubeObject } from '../../src/kube/types.ts';

/** What a namespace holds, told so that two runs of the same scenario can be compared. */
export interface State {
  /** By `Kind/name`. */
  readonly objects: Readonly<Record<string, unknown>>;
  /** How often each Event about a policy came, by `Warning Stalled: …`. */
  readonly events: Readonly<Record<string, number>>;
}

const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
// Times of the scenarios themselves are of the year 2020, and stay: they are results, not when they were read.
const time = /(?!2020)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
// Made of the namespace's name, and of the policy's UID.
const hostname = /holdfast-[0-9a-f]{16}/g;
const appliedHash = /("holdfast\.dev\/applied-hash":)"[0-9a-f]+"/g;

// The name of a Job that prunes is made of the policy's UID too.
const pruneName = /-prune-[0-9a-f]{8}-/g;

const keyOf = ({ kind, metadata }: KubeObject): string =>
  `${kind}/${metadata.name}`.replaceAll(pruneName, '-prune-<hash>-');

const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

const withoutTime = (entry: unknown): unknown => {
  if (!isRecord(entry)) return entry;
  const { time: _, ...rest } = entry;
  return rest;
};

const lasting = ({ metadata, ...rest }: KubeObject): unknown => {
  const { uid: _, resourceVersion: __, creationTimestamp: ___, managedFields, ...kept } = metadata;
  const managers = Array.isArray(managedFields) ? managedFields.map(withoutTime).sort(byText) : [];
  return { ...rest, metadata: { ...kept, managedFields: managers } };
};

/** The objects without what differs by its nature: UIDs, versions, times, and what is made of them or of the namespace. Pure. */
export const stateOf = (namespace: string, objects: readonly KubeObject[], events: readonly KubeObject[]): State => {
  const names = new Map(objects.map((object) => [object.metadata.uid, keyOf(object)]));
  const masked = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value)
        .replaceAll(uuid, (uid) => `<UID of ${names.get(uid) ?? 'another'}>`)
        .replaceAll(time, '<time>')
        .replaceAll(hostname, '<host name>')
        .replaceAll(pruneName, '-prune-<hash>-')
        .replaceAll(appliedHash, '$1"<hash>"')
        .replaceAll(namespace, '<namespace>'),
    );
  return {
    objects: Object.fromEntries(objects.map((object) => [keyOf(object), masked(lasting(object))])),
    events: Object.fromEntries(
      events
        .filter(({ involvedObject }) => isRecord(involvedObject) && involvedObject['kind'] === 'BackupPolicy')
        .map(({ count, type, reason, message }) => [
          // Who looks later may find newer data that is too old already: it is said once all the same.
          reason === 'RecoveryPointMissed' ? `${type} ${reason}` : String(masked(`${type} ${reason}: ${message}`)),
          Number(count),
        ]),
    ),
  };
};

/** The same without how often each spec was written. Pure. */
export const withoutGenerations = ({ objects, events }: State): State => ({
  objects: Object.fromEntries(
    Object.entries(objects).map(([key, object]) => {
      if (!isRecord(object) || !isRecord(object['metadata'])) return [key, object];
      const { generation: _, ...metadata } = object['metadata'];
      return [key, { ...object, metadata }];
    }),
  ),
  events,
});

/** Events that came more often than in the reference. One that is missing is none: Events are a courtesy. Pure. */
export const eventsBeyond = ({ events }: State, reference: State): string[] =>
  Object.entries(events)
    .filter(([event, count]) => count > (reference.events[event] ?? 0))
    .map(([event, count]) => `${count}x ${event}`);

/** The objects that are not as in the reference, each as both have it. Pure. */
export const differencesOf = ({ objects }: State, reference: State): string[] =>
  [...new Set([...Object.keys(objects), ...Object.keys(reference.objects)])]
    .filter((key) => !isDeepStrictEqual(objects[key], reference.objects[key]))
    .map((key) => `${key} is ${JSON.stringify(objects[key])}, not ${JSON.stringify(reference.objects[key])}`);
