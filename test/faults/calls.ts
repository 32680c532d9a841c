import type { Fault } from './faults.ts';
import type { Decision, ProxiedRequest } from './proxy.ts';
import type { StreamScript } from './stream.ts';

/** One call of the operator in a scenario: the `nth` (1 is the first) of its kind. */
export interface Call {
  /** `PATCH cronjobs/agama-full`. */
  readonly what: string;
  readonly nth: number;
  readonly isWatch: boolean;
  readonly isWrite: boolean;
}

/** Which fault strikes a call, if any; asked once for each. */
export type FaultAt = (call: Call) => Fault | undefined;

/** `PATCH cronjobs/agama-full #2`. */
export const nameOfCall = ({ what, nth }: Pick<Call, 'what' | 'nth'>): string => `${what} #${nth}`;

/** Tells calls apart by how often their like came before. */
export const createCallCounter = (): ((request: ProxiedRequest) => Call) => {
  const seen = new Map<string, number>();
  return ({ what: whole, isWatch, isWrite }) => {
    // The names of Events hold a hash of the policy's UID.
    const what = whole.replace(/\.[0-9a-f]{16}$/, '.<hash>');
    const nth = (seen.get(what) ?? 0) + 1;
    seen.set(what, nth);
    return { what, nth, isWatch, isWrite };
  };
};

/** The calls of a run. */
export const callsOf = (requests: readonly ProxiedRequest[]): Call[] => {
  const count = createCallCounter();
  return requests.map((request) => count(request));
};

/** The calls that every run makes: of the others a test could not say why they did not come. */
export const commonCalls = (runs: readonly (readonly Call[])[]): Call[] => {
  const [first = [], ...others] = runs;
  const named = others.map((calls) => new Set(calls.map(nameOfCall)));
  return first.filter((call) => named.every((names) => names.has(nameOfCall(call))));
};

/** A plan of faults, as a proxy asks for it. */
export interface Struck {
  readonly decide: (request: ProxiedRequest) => Decision;
  readonly watch: (request: ProxiedRequest) => StreamScript | undefined;
  /** The faults that came to pass, as `504 at PUT backuppolicies/agama/status #1`. */
  readonly struck: readonly string[];
}

/** Lets the faults of a plan strike as their calls come. */
export const strike = (faultAt: FaultAt): Struck => {
  const count = createCallCounter();
  const scripts = new Map<ProxiedRequest, () => StreamScript>();
  const struck: string[] = [];
  return {
    struck,
    decide(request) {
      const call = count(request);
      const fault = faultAt(call);
      if (fault === undefined || !fault.concerns(call)) return { kind: 'forward' };
      struck.push(`${fault.name} at ${nameOfCall(call)}`);
      if (fault.script !== undefined) scripts.set(request, fault.script);
      return fault.decision ?? { kind: 'forward' };
    },
    watch: (request) => scripts.get(request)?.(),
  };
};
