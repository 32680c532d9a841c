import type { KubeClient } from '../../src/kube/client.ts';
import { appliedHashAnnotation } from '../../src/kube/apply.ts';
import { resourcePath } from '../../src/kube/path.ts';
import { isRecord, type ResourceType } from '../../src/kube/types.ts';
import { resources } from '../../src/policy/resources.ts';

const eventType: ResourceType = { group: '', version: 'v1', kind: 'Event', plural: 'events', namespaced: true };

const itemsOf = async (api: KubeClient, type: ResourceType, namespace: string): Promise<Record<string, unknown>[]> => {
  const answer = await api.request({ method: 'GET', path: resourcePath({ type, namespace }) });
  const items = isRecord(answer) && Array.isArray(answer['items']) ? answer['items'] : [];
  return items.filter(isRecord);
};

/** Everything that differs from run to run without meaning anything: identities, versions, and when things happened. */
const ofOneRun = new Set([
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'managedFields',
  'lastTransitionTime',
  'nextRunTime',
  'nextRunTimes',
  appliedHashAnnotation,
]);

const withoutRun = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutRun);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, ofOneRun.has(name) ? '<of this run>' : withoutRun(inner)]),
  );
};

// Both follow from the namespace or the UID, which are of one run.
const hostname = /holdfast-[0-9a-f]{16}/g;
const uid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** What a namespace holds in the end, as text that is the same for the same end; the generations show what was changed in vain. */
export const endStateOf = async (api: KubeClient, namespace: string): Promise<string> => {
  const kinds = [resources.policy, resources.claim, resources.cronJob, resources.job, resources.pod];
  const lists = await Promise.all(kinds.map((type) => itemsOf(api, type, namespace)));
  return JSON.stringify(withoutRun(lists.flat()), undefined, 1)
    .replaceAll(namespace, '<namespace>')
    .replaceAll(uid, '<uid>')
    .replaceAll(hostname, '<hostname>');
};

/** The Events of a namespace, each with how often it came. */
export const eventCounts = async (api: KubeClient, namespace: string): Promise<ReadonlyMap<string, number>> => {
  const events = await itemsOf(api, eventType, namespace);
  return new Map(events.map(({ reason, message, count }) => [`${String(reason)}: ${String(message)}`, Number(count)]));
};
