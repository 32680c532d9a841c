import { isDeepStrictEqual } from 'node:util';
import { isRecord, type KubeObject } from '../../src/kube/types.ts';
import { policyLabel, restoreStageLabel } from '../../src/workloads/labels.ts';
import { restoreStages } from '../../src/workloads/restore-stage.ts';

/** What a namespace holds, told so that two runs of the same scenario can be compared. */
export interface State {
  /** By `Kind/name`. */
  readonly objects: Readonly<Record<string, unknown>>;
  /** How often each Event about a policy or a request came, by `Warning Stalled: …`. */
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

// So are those of the Jobs of a request, of its UID; the Job controller adds five characters for a pod.
const restoreName = new RegExp(`-(${restoreStages.join('|')})-[0-9a-f]{8}(-[0-9a-z]{5}(?![0-9a-z]))?`, 'g');
const restoreNameMask = '-$1-<hash>';
// What a task of a restore calls what it makes at the destination, and a plan: both are made of the UID of the request.
const restoreId = /(\\*"id\\*":\\*")[0-9a-f]{8}(?=\\*")/g;
const planHash = /("hash":"|planHash: )[0-9a-f]{64}/g;
// How long it took is what it took.
const spans = /("(?:measured|estimated)Seconds":)\d+/g;
const spanWords = /\btook \d+ s\b/g;

/** Names without what is made of a UID. Pure. */
export const maskNames = (text: string): string =>
  text.replaceAll(pruneName, '-prune-<hash>-').replaceAll(restoreName, restoreNameMask);

/** Without its hash, the name of a Job of a request no longer says of which policy. */
const keyOf = ({ kind, metadata }: KubeObject): string => {
  const { labels = {} } = metadata;
  const of = labels[restoreStageLabel] === undefined ? '' : ` of ${labels[policyLabel]}`;
  return `${maskNames(`${kind}/${metadata.name}`)}${of}`;
};

/** Deployments have controllers of their own, which count pods: their specs alone count, and what is written on them. */
const withoutCounts = (object: KubeObject): KubeObject => {
  if (object.kind !== 'Deployment') return object;
  const { managedFields, ...metadata } = object.metadata;
  const fields = Array.isArray(managedFields) ? managedFields.filter(isRecord) : [];
  const ofSpec = fields.filter(({ subresource }) => subresource !== 'status');
  return { ...object, status: undefined, metadata: { ...metadata, managedFields: ofSpec } };
};

/** Pods of an application come and go with it. */
const counts = ({ kind, metadata }: KubeObject): boolean =>
  kind !== 'Pod' || metadata.labels?.['app.kubernetes.io/managed-by'] === 'holdfast';

// That the data is compared, or the workloads put back: whoever looks later finds that done.
const passing = ['Verifying'];
const toldOf = ['BackupPolicy', 'RestoreRequest'];

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
      maskNames(JSON.stringify(value))
        .replaceAll(uuid, (uid) => `<UID of ${names.get(uid) ?? 'another'}>`)
        .replaceAll(time, '<time>')
        .replaceAll(hostname, '<host name>')
        .replaceAll(restoreId, '$1<id>')
        .replaceAll(planHash, '$1<hash>')
        .replaceAll(spans, '$1"<seconds>"')
        .replaceAll(spanWords, 'took <seconds> s')
        .replaceAll(appliedHash, '$1"<hash>"')
        .replaceAll(namespace, '<namespace>'),
    );
  return {
    objects: Object.fromEntries(
      objects.filter(counts).map((object) => [keyOf(object), masked(lasting(withoutCounts(object)))]),
    ),
    events: Object.fromEntries(
      events
        .filter(({ involvedObject }) => isRecord(involvedObject) && toldOf.includes(String(involvedObject['kind'])))
        .filter(({ reason }) => !passing.includes(String(reason)))
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
