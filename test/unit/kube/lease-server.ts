import type { Clock } from '../../../src/kube/clock.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import type { LeaseClient } from '../../../src/kube/lease-client.ts';
import { leaseWith, recordOf, type LeaseRecord } from '../../../src/kube/lease-record.ts';
import type { KubeObject } from '../../../src/kube/types.ts';

/** What the next request of a process meets. */
export type Fault = 'refused' | 'done but not answered' | 'never answered' | 'answered late';

/** One Lease with the API server's rules for writes, in memory: what it answers takes no time. */
export interface LeaseServer {
  /** The way of one process to it. */
  clientOf(process: string): LeaseClient;
  /** The next requests of the process fail so, one each; `times` may be Infinity. */
  fail(process: string, fault: Fault, times?: number): void;
  /** Delivers the answers that are late. */
  deliver(): void;
  record(): LeaseRecord | undefined;
  object(): KubeObject | undefined;
  /** Somebody changes it by hand; undefined deletes it. */
  set(record: LeaseRecord | undefined): void;
  /** Somebody puts an annotation on it. */
  annotate(): void;
  /** Every write that was tried, as `<process> <holder written> <status>`. */
  readonly writes: readonly string[];
}

const name = { namespace: 'holdfast', name: 'holdfast' };
const refusal = (code: number, reason: string): ApiError =>
  new ApiError({ code, reason, serverMessage: '', request: 'LEASE' });

export function createLeaseServer(): LeaseServer {
  let lease: KubeObject | undefined;
  let version = 0;
  const writes: string[] = [];
  const late: (() => void)[] = [];
  const faults = new Map<string, { fault: Fault; times: number }>();

  const store = (object: KubeObject): KubeObject => {
    version += 1;
    lease = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    return lease;
  };
  const put = (observed: KubeObject | undefined, record: LeaseRecord): KubeObject => {
    if (observed === undefined && lease !== undefined) throw refusal(409, 'AlreadyExists');
    if (observed !== undefined && lease === undefined) throw refusal(404, 'NotFound');
    if (observed?.metadata.resourceVersion !== lease?.metadata.resourceVersion) throw refusal(409, 'Conflict');
    return store(leaseWith(name, observed, record));
  };
  const faultOf = (process: string): Fault | undefined => {
    const known = faults.get(process);
    if (known === undefined || known.times <= 0) return undefined;
    known.times -= 1;
    return known.fault;
  };
  const answer = async <T>(process: string, work: () => T): Promise<T> => {
    const fault = faultOf(process);
    if (fault === 'never answered') return new Promise(() => {});
    if (fault === 'refused') throw refusal(500, 'InternalError');
    const result = work();
    if (fault === 'done but not answered') throw refusal(504, 'Timeout');
    if (fault === 'answered late') await new Promise<void>((resolve) => late.push(resolve));
    return result;
  };

  return {
    clientOf: (process) => ({
      read: () => answer(process, () => lease),
      write: (observed, record) =>
        answer(process, () => {
          const told = `${process} ${record.holder === '' ? '-' : record.holder}`;
          try {
            const written = put(observed, record);
            writes.push(`${told} ok`);
            return written;
          } catch (error) {
            writes.push(`${told} ${error instanceof ApiError ? error.reason : 'failed'}`);
            throw error;
          }
        }),
    }),
    fail: (process, fault, times = 1) => void faults.set(process, { fault, times }),
    deliver() {
      for (const send of late.splice(0)) send();
    },
    record: () => (lease === undefined ? undefined : recordOf(lease)),
    object: () => lease,
    set(record) {
      if (record === undefined) lease = undefined;
      else store(leaseWith(name, lease, record));
    },
    annotate() {
      if (lease !== undefined)
        store({ ...lease, metadata: { ...lease.metadata, annotations: { by: String(version) } } });
    },
    writes,
  };
}

/** The clock of one process among several on one machine: it can be stopped, and its wall clock can be off. */
export interface ProcessClock extends Clock {
  /** As SIGSTOP: nothing of the process runs, time goes on. */
  stop(): void;
  /** As SIGCONT: what came due meanwhile runs now, in the order in which it came due. */
  resume(): void;
  /** Sets the wall clock forward or back, by milliseconds. */
  shiftWall(ms: number): void;
}

export function processClock(machine: Clock, shiftMs = 0): ProcessClock {
  let shift = shiftMs;
  let stopped = false;
  const due: (() => void)[] = [];
  return {
    now: () => new Date(machine.now().getTime() + shift),
    monotonicMs: () => machine.monotonicMs(),
    setTimer(delayMs, fire) {
      let cancelled = false;
      const run = (): void => {
        if (!cancelled) fire();
      };
      const timer = machine.setTimer(delayMs, () => (stopped ? due.push(run) : run()));
      return {
        cancel() {
          cancelled = true;
          timer.cancel();
        },
      };
    },
    stop() {
      stopped = true;
    },
    resume() {
      stopped = false;
      for (const run of due.splice(0)) run();
    },
    shiftWall(ms) {
      shift += ms;
    },
  };
}
