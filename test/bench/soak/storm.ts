import { faults, statusOf, type Fault } from '../../faults/faults.ts';
import type { Decision, ProxiedRequest } from '../../faults/proxy.ts';
import { shuffled } from '../../faults/random.ts';
import type { OpenStream, StreamScript } from '../../faults/stream.ts';

/** Faults that strike the next call they fit, if it comes soon, as a proxy asks for them. */
export interface Storm {
  /** Lets one more fault wait for a moment; the seed gives their order, the machine which call comes next. */
  brew(): void;
  /**
   * No fault from now on but one: every watch is cut and told 410 once, as after a compaction of etcd. An event that was dropped is made good
   * by listing anew only, which comes every half hour by itself.
   */
  calm(): void;
  /** After the calm: watches that have not been told 410 yet. */
  silent(): readonly string[];
  readonly decide: (request: ProxiedRequest) => Decision;
  readonly watch: (request: ProxiedRequest) => StreamScript;
  /** How often each kind of fault came to pass. */
  readonly struck: ReadonlyMap<string, number>;
}

/** How long the operator takes to notice silence, in milliseconds: of a watch, of any other call. */
const watchSilenceMs = 95_000;
const callSilenceMs = 31_000;
/** Of the operator's four workers so many may wait for an answer that does not come: with all of them no other call could be struck. */
const mostSilentCalls = 2;
/** Between two faults of the lease, in milliseconds: it is lost when it cannot be renewed for so long. */
const leaseMs = 10_000;

/**
 * How long a fault waits for its call, in milliseconds. Shorter than the second until the next one: where there was always one, every call
 * would be struck as soon as calls are few, and nothing would ever be opened again. Events are fewer than calls.
 */
const patienceMs = { call: 300, stream: 3000 } as const;

const forward: Decision = { kind: 'forward' };
const isSilence = ({ name }: Fault): boolean => /^(half-open|frozen)/.test(name);
const isLease = ({ path }: ProxiedRequest): boolean => path.includes('/leases/');

/** A storm over the faults of the matrix; `nowMs` is any clock. */
export const createStorm = (random: () => number, nowMs: () => number): Storm => {
  const struck = new Map<string, number>();
  const watched = new Set<string>();
  const expired = new Set<string>();
  const open = new Map<string, OpenStream>();
  let deck: Fault[] = [];
  let waiting: { fault: Fault; untilMs: number }[] = [];
  let leaseSpareUntilMs = 0;
  let watchSilentUntilMs = 0;
  let silentCallsUntilMs: number[] = [];
  let calmed = false;

  // A connection that says nothing leaves the lease one second of its ten: a busy machine and not the operator would decide. And with
  // fault upon fault for ten seconds, losing it is the right answer.
  const mayStrikeLease = (fault: Fault): boolean => !isSilence(fault) && nowMs() >= leaseSpareUntilMs;

  const mayStrike = (fault: Fault, request: ProxiedRequest): boolean => {
    if (!fault.concerns(request)) return false;
    if (isLease(request)) return mayStrikeLease(fault);
    if (!isSilence(fault)) return true;
    // One watch at a time, or the operator would be blind from the first minute to the last.
    if (request.isWatch) return nowMs() >= watchSilentUntilMs;
    silentCallsUntilMs = silentCallsUntilMs.filter((untilMs) => untilMs > nowMs());
    return silentCallsUntilMs.length < mostSilentCalls;
  };

  /** The fault that has waited longest of those that fit; it comes to pass. */
  const take = (request: ProxiedRequest, fits: (fault: Fault) => boolean): Fault | undefined => {
    waiting = waiting.filter(({ untilMs }) => untilMs > nowMs());
    const found = waiting.find(({ fault }) => fits(fault) && mayStrike(fault, request));
    if (found === undefined) return undefined;
    waiting = waiting.filter((one) => one !== found);
    const { fault } = found;
    struck.set(fault.name, (struck.get(fault.name) ?? 0) + 1);
    if (isSilence(fault) && request.isWatch) watchSilentUntilMs = nowMs() + watchSilenceMs;
    else if (isSilence(fault)) silentCallsUntilMs.push(nowMs() + callSilenceMs);
    return fault;
  };

  const expire = (what: string, stream: OpenStream): void => {
    if (expired.has(what)) return;
    expired.add(what);
    stream.send({ type: 'ERROR', object: statusOf(410) });
  };

  return {
    struck,
    brew() {
      if (calmed) return;
      if (deck.length === 0) deck = shuffled(faults, random);
      const fault = deck.shift();
      if (fault === undefined) return;
      const forMs = fault.decision === undefined ? patienceMs.stream : patienceMs.call;
      waiting.push({ fault, untilMs: nowMs() + forMs });
    },
    calm() {
      calmed = true;
      waiting = [];
      for (const stream of open.values()) stream.cut();
    },
    silent: () => [...watched].filter((what) => !expired.has(what)),
    decide(request) {
      const fault = take(request, ({ decision }) => decision !== undefined);
      if (fault !== undefined && isLease(request)) leaseSpareUntilMs = nowMs() + leaseMs;
      return fault?.decision ?? forward;
    },
    watch(request) {
      const { what } = request;
      let frozen = false;
      watched.add(what);
      return {
        onOpen(stream) {
          if (calmed) return expire(what, stream);
          open.set(what, stream);
          const script = take(request, ({ script }) => script?.().onOpen !== undefined)?.script?.();
          if (script === undefined) return;
          frozen = true;
          open.delete(what);
          script.onOpen?.(stream);
        },
        onEvent(event) {
          if (frozen) return 'pass';
          const script = take(request, ({ script }) => script?.().onEvent !== undefined)?.script?.();
          const action = script?.onEvent?.(event, 0) ?? 'pass';
          if (action !== 'freeze') return action;
          frozen = true;
          open.delete(what);
          return action;
        },
      };
    },
  };
};
