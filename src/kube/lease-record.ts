import { apiVersionOf, isRecord, type KubeObject, type ObjectName, type ResourceType } from './types.ts';

/** What a Lease says about who leads. Its times are for people: they are another machine's, and no decision reads them. */
export interface LeaseRecord {
  /** '' when it was given back. */
  readonly holder: string;
  /** How long others wait after the last change that they saw, in seconds; 0 when it is not said. */
  readonly durationSeconds: number;
  readonly acquireTime: string;
  readonly renewTime: string;
  /** How often the leader changed. */
  readonly transitions: number;
}

/** A record and when this process first saw it so, on its own monotonic clock. */
export interface Observation {
  readonly record: LeaseRecord;
  readonly atMs: number;
}

export type Decision =
  /** There is no Lease, and nobody may still believe to hold it. */
  | { readonly kind: 'create' }
  /** The Lease was given back, or it ran out. */
  | { readonly kind: 'take' }
  /** It is held by this very process: an earlier write took effect although its answer was lost. */
  | { readonly kind: 'renew' }
  /** Somebody else holds it, for all this process knows, for `leftMs` milliseconds more. */
  | { readonly kind: 'wait'; readonly holder: string; readonly leftMs: number };

export interface Situation {
  /** Of this process alone: no process before or after it has the same. */
  readonly identity: string;
  /** Whether the Lease was there when it was looked at just now. */
  readonly present: boolean;
  /** The record of the Lease; of an absent one, what it was when last seen. */
  readonly observation: Observation | undefined;
  readonly nowMs: number;
  /** How long this process' own lease lasts, in milliseconds. */
  readonly leaseMs: number;
}

export const leaseType: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

/** No lease lasts longer, in seconds: a larger number in a Lease is a mistake and must not keep everybody out for ever. */
export const longestLeaseSeconds = 300;

/** What follows from what is known. Pure. */
export function decide({ identity, present, observation, nowMs, leaseMs }: Situation): Decision {
  if (present && observation?.record.holder === identity) return { kind: 'renew' };
  const leftMs = observation === undefined ? 0 : heldUntilMs(observation, leaseMs) - nowMs;
  // A Lease that somebody deleted was not given back: its holder may not have noticed yet.
  if (leftMs > 0) return { kind: 'wait', holder: observation?.record.holder ?? '', leftMs };
  return { kind: present ? 'take' : 'create' };
}

// The longer of both durations: a holder of another version or configuration relies on its own.
function heldUntilMs({ record, atMs }: Observation, leaseMs: number): number {
  if (record.holder === '') return atMs;
  return atMs + Math.max(leaseMs, Math.min(record.durationSeconds, longestLeaseSeconds) * 1000);
}

/** The observation after a look at `record`: a changed record is as of now, an unchanged one as of when it changed. */
export function observe(previous: Observation | undefined, record: LeaseRecord, nowMs: number): Observation {
  return previous !== undefined && sameRecord(previous.record, record) ? previous : { record, atMs: nowMs };
}

function sameRecord(a: LeaseRecord, b: LeaseRecord): boolean {
  return (
    a.holder === b.holder &&
    a.durationSeconds === b.durationSeconds &&
    a.acquireTime === b.acquireTime &&
    a.renewTime === b.renewTime &&
    a.transitions === b.transitions
  );
}

/** The record in a Lease; whatever is missing or of another type is as if it was never written. */
export function recordOf({ spec }: KubeObject): LeaseRecord {
  const fields = isRecord(spec) ? spec : {};
  return {
    holder: text(fields['holderIdentity']),
    durationSeconds: count(fields['leaseDurationSeconds']),
    acquireTime: text(fields['acquireTime']),
    renewTime: text(fields['renewTime']),
    transitions: count(fields['leaseTransitions']),
  };
}

/** The record by which `identity` takes a lease that was `previous`. */
export function takenBy(
  identity: string,
  previous: LeaseRecord | undefined,
  durationSeconds: number,
  now: Date,
): LeaseRecord {
  const time = toMicroTime(now);
  const transitions = previous === undefined ? 0 : previous.transitions + 1;
  return { holder: identity, durationSeconds, acquireTime: time, renewTime: time, transitions };
}

/** The record by which its holder keeps a lease. */
export function renewed(record: LeaseRecord, durationSeconds: number, now: Date): LeaseRecord {
  return { ...record, durationSeconds, renewTime: toMicroTime(now) };
}

/** The record by which its holder gives a lease back. A second, because the API server refuses zero. */
export function givenBack(record: LeaseRecord, now: Date): LeaseRecord {
  return { ...record, holder: '', durationSeconds: 1, renewTime: toMicroTime(now) };
}

/** The Lease to write: `observed` with the record in it, so that what others put beside it stays. */
export function leaseWith(name: ObjectName, observed: KubeObject | undefined, record: LeaseRecord): KubeObject {
  const spec = {
    ...(isRecord(observed?.['spec']) ? observed['spec'] : {}),
    holderIdentity: record.holder,
    leaseDurationSeconds: record.durationSeconds,
    acquireTime: record.acquireTime,
    renewTime: record.renewTime,
    leaseTransitions: record.transitions,
  };
  if (observed !== undefined) return { ...observed, spec };
  const { namespace, name: leaseName } = name;
  const metadata = { name: leaseName, ...(namespace === undefined ? {} : { namespace }) };
  return { apiVersion: apiVersionOf(leaseType), kind: leaseType.kind, metadata, spec };
}

/** A time as metav1.MicroTime has it: RFC 3339 in UTC with exactly six digits. */
export function toMicroTime(date: Date): string {
  return date.toISOString().replace(/Z$/, '000Z');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}
