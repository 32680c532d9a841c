import type { Decision, ProxiedRequest } from './proxy.ts';
import type { StreamAction, StreamScript } from './stream.ts';

/** One thing that goes wrong, once, at a call of the test's choice. */
export interface Fault {
  /** `504 after the commit`: short, for tables. */
  readonly name: string;
  /** Whether it can happen to such a call. */
  readonly concerns: (request: Pick<ProxiedRequest, 'isWatch' | 'isWrite'>) => boolean;
  /** What becomes of the call itself; left out: it is forwarded. */
  readonly decision?: Decision;
  /** What becomes of the stream it opens. */
  readonly script?: () => StreamScript;
  /** What the operator must be for the test to last seconds: silence of a watch noticed, or everything listed anew, so soon. */
  readonly needs?: 'shortIdle' | 'shortRelist';
}

const reasons: Readonly<Record<number, string>> = {
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The body that the API server would send with such a status. */
export const statusOf = (code: number): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  reason: reasons[code],
  code,
  message: `fault: ${code}`,
});

/** An answer with that status and its body. */
export const refuse = (status: number, headers: Readonly<Record<string, string>> = {}): Decision => ({
  kind: 'answer',
  status,
  headers,
  body: statusOf(status),
});

const committed = (seen: Decision): Decision => ({ kind: 'forwardThen', after: () => Promise.resolve(seen) });

const all = (): boolean => true;
const watches: Fault['concerns'] = ({ isWatch }) => isWatch;
const notWatches: Fault['concerns'] = ({ isWatch }) => !isWatch;
const writes: Fault['concerns'] = ({ isWrite }) => isWrite;

/** To the call, whatever it is. */
const callFaults: readonly Fault[] = [
  ...[409, 410, 500, 503, 504].map((code) => ({ name: String(code), concerns: all, decision: refuse(code) })),
  { name: '429 with Retry-After', concerns: all, decision: refuse(429, { 'retry-after': '1' }) },
  { name: '429 without', concerns: all, decision: refuse(429) },
  { name: 'no JSON', concerns: all, decision: { kind: 'answer', status: 200, body: 'an error page' } },
  { name: 'reset before', concerns: all, decision: { kind: 'reset' } },
  { name: 'half-open before', concerns: all, decision: { kind: 'hang' }, needs: 'shortIdle' },
  { name: 'slow', concerns: all, decision: { kind: 'delay', ms: 1500 } },
  { name: 'reset after', concerns: notWatches, decision: committed({ kind: 'reset' }) },
  { name: 'half-open after', concerns: notWatches, decision: committed({ kind: 'hang' }) },
  { name: '504 after the commit', concerns: writes, decision: committed(refuse(504)) },
  { name: '500 after the commit', concerns: writes, decision: committed(refuse(500)) },
];

const once =
  (action: StreamAction): (() => StreamScript) =>
  () => ({ onEvent: (_event, n) => (n === 0 ? action : 'pass') });

/** To the stream that a watch opens. */
const streamFaults: readonly Fault[] = [
  { name: 'event dropped', concerns: watches, script: once('drop'), needs: 'shortRelist' },
  { name: 'event twice', concerns: watches, script: once('duplicate') },
  { name: 'cut at an event', concerns: watches, script: once('cut') },
  { name: 'ended at an event', concerns: watches, script: once('end') },
  { name: 'frozen at an event', concerns: watches, script: once('freeze'), needs: 'shortIdle' },
  {
    name: '410 in the stream',
    concerns: watches,
    script: once({ replace: { type: 'ERROR', object: statusOf(410) } }),
  },
  {
    name: '500 in the stream',
    concerns: watches,
    script: once({ replace: { type: 'ERROR', object: statusOf(500) } }),
  },
  { name: 'no JSON in the stream', concerns: watches, script: once({ replace: { nonsense: true } }) },
  {
    name: 'frozen from the start',
    concerns: watches,
    script: () => ({ onOpen: (stream) => stream.freeze() }),
    needs: 'shortIdle',
  },
];

/** Every fault of the matrix. */
export const faults: readonly Fault[] = [...callFaults, ...streamFaults];
