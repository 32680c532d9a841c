import { createHash } from 'node:crypto';
import type { KubeClient } from './client.ts';
import { systemClock, type Clock } from './clock.ts';
import { isAlreadyExists, isNotFound } from './errors.ts';
import type { Logger } from './logger.ts';
import { noMetrics, type KubeMetrics } from './metrics.ts';
import { getObject } from './objects.ts';
import { resourcePath } from './path.ts';
import { redactText } from './redact.ts';
import { timestamp } from '../base/times.ts';
import type { ResourceType } from './types.ts';

/** What an Event is about; `kubectl describe` finds Events by the UID. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid: string;
}

export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, for machines; at most 128 characters. */
  readonly reason: string;
  /** For people; cut at 1024 bytes. */
  readonly message: string;
}

/** Writes Kubernetes Events. They are a courtesy: nothing waits for them, and a failure is only logged. */
export interface EventRecorder {
  record(subject: EventSubject, note: EventNote): void;
  /** Resolves when all that was recorded so far is written or given up. */
  flush(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly client: KubeClient;
  readonly logger: Logger;
  /** Shown by `kubectl describe` as From. */
  readonly component: string;
  /** Which replica: the pod's name. */
  readonly instance: string;
  readonly clock?: Clock;
  readonly metrics?: KubeMetrics;
  /** New Events an object may have at once, and how often it regains one, in milliseconds; default 25 and 5 min, as client-go. */
  readonly burst?: number;
  readonly refillMs?: number;
  /** Events waiting to be written; more are dropped. Default 1000. */
  readonly maxPending?: number;
}

const eventType: ResourceType = { group: '', version: 'v1', kind: 'Event', plural: 'events', namespaced: true };
const messageBytes = 1024;
const rememberedObjects = 4096;

/**
 * core/v1 Events, whose count and first and last time `kubectl describe` shows as `3m (x5 over 20m)`. The same note about
 * the same object is one Event, counted up; its name follows from both, so that a restarted operator counts on.
 */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, logger, component, instance, clock = systemClock, metrics = noMetrics } = options;
  const { burst = 25, refillMs = 5 * 60_000, maxPending = 1000 } = options;
  const allowance = new Map<string, { tokens: number; atMs: number }>();
  let chain: Promise<void> = Promise.resolve();
  let pending = 0;

  const mayWrite = (uid: string): boolean => {
    const now = clock.monotonicMs();
    const known = allowance.get(uid) ?? { tokens: burst, atMs: now };
    const tokens = Math.min(burst, known.tokens + (now - known.atMs) / refillMs);
    // Taken out and put back: the map stays in order of use, and the longest unused object is forgotten first.
    allowance.delete(uid);
    allowance.set(uid, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: now });
    const [oldest] = allowance.keys();
    if (allowance.size > rememberedObjects && oldest !== undefined) allowance.delete(oldest);
    return tokens >= 1;
  };

  const write = async (subject: EventSubject, note: EventNote, at: string): Promise<void> => {
    const event = eventFor({ subject, note, at, component, instance });
    const { namespace, name } = event.metadata;
    try {
      await client.request({ method: 'POST', path: resourcePath({ type: eventType, namespace }), body: event });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      await countUp(client, namespace, name, at);
    }
  };

  const drop = (reason: string, subject: EventSubject, note: EventNote): void => {
    metrics.eventDropped(reason);
    const { kind, namespace, name } = subject;
    logger.debug({ kind, namespace, name, eventReason: note.reason, drop: reason }, 'an Event was not written');
  };

  return {
    record(subject, note) {
      if (pending >= maxPending) return drop('queueFull', subject, note);
      if (!mayWrite(subject.uid)) return drop('rateLimit', subject, note);
      const at = timestamp(clock.now());
      pending += 1;
      chain = chain
        .then(() => write(subject, note, at))
        .catch((error: unknown) => {
          metrics.eventDropped('error');
          const { kind, namespace, name } = subject;
          logger.warn({ err: error, kind, namespace, name, eventReason: note.reason }, 'an Event could not be written');
        })
        .finally(() => {
          pending -= 1;
        });
    },
    flush: () => chain,
  };
}

async function countUp(client: KubeClient, namespace: string, name: string, at: string): Promise<void> {
  const known = await getObject(client, eventType, { namespace, name });
  const count = typeof known?.['count'] === 'number' ? known['count'] : 0;
  const path = resourcePath({ type: eventType, namespace, name });
  const contentType = 'application/merge-patch+json';
  const body = { count: count + 1, lastTimestamp: at };
  // An Event that ran out between the two calls was about something at least an hour old: the next one is made anew.
  await client.request({ method: 'PATCH', path, contentType, body }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}

interface EventParts {
  readonly subject: EventSubject;
  readonly note: EventNote;
  readonly at: string;
  readonly component: string;
  readonly instance: string;
}

function eventFor({ subject, note, at, component, instance }: EventParts) {
  const { apiVersion, kind, name, uid } = subject;
  // Events about cluster-scoped objects live in `default`, where kubectl looks for them.
  const namespace = subject.namespace ?? 'default';
  const involved = subject.namespace === undefined ? {} : { namespace };
  const message = cut(redactText(note.message), messageBytes);
  const hash = createHash('sha256')
    .update(JSON.stringify([uid, note.type, note.reason, message]))
    .digest('hex');
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { namespace, name: `${name.slice(0, 200)}.${hash.slice(0, 16)}` },
    involvedObject: { apiVersion, kind, name, uid, ...involved },
    type: note.type,
    reason: note.reason,
    message,
    source: { component },
    reportingComponent: component,
    reportingInstance: instance,
    count: 1,
    firstTimestamp: at,
    lastTimestamp: at,
  };
}

function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const head = Buffer.from(text).subarray(0, bytes - 3);
  // A character cut in two decodes to the replacement character at the end.
  return `${head.toString('utf8').replace(/\uFFFD+$/, '')}…`;
}
