import { isRecord } from '../../src/kube/types.ts';
import { callsOf, commonCalls, nameOfCall, type Call } from './calls.ts';
import { faults, type Fault } from './faults.ts';
import type { RecordedRequest } from './proxy.ts';
import { runScenario, type Bench } from './run.ts';
import { differencesOf, eventsBeyond, type State } from './state.ts';
import type { Patience } from '../support/operator/in-process.ts';

/** One fault at one call. */
export interface Cell {
  readonly call: Call;
  readonly fault: Fault;
}

/** What the undisturbed scenario is like. */
export interface Baseline {
  readonly calls: readonly Call[];
  /** How many requests it takes, at most. */
  readonly requests: number;
  readonly state: State;
}

const baselineRuns = 3;

/** Records the scenario a few times: what comes each time is its calls. @throws Error it does not end the same each time */
export const recordBaseline = async (bench: Bench, prefix: string): Promise<Baseline> => {
  const runs = await Promise.all(
    Array.from({ length: baselineRuns }, (_, index) =>
      runScenario(bench, { namespace: `${prefix}-undisturbed-${index}` }),
    ),
  );
  const [first] = runs;
  if (first === undefined || runs.some(({ state }) => differencesOf(state, first.state).length > 0)) {
    throw new Error('the undisturbed scenario does not end the same each time');
  }
  return {
    calls: commonCalls(runs.map(({ requests }) => callsOf(requests))),
    requests: Math.max(...runs.map(({ requests }) => requests.length)),
    state: first.state,
  };
};

/** Every fault at every call that it can concern. */
export const cellsOf = (calls: readonly Call[], some: readonly Fault[] = faults): Cell[] =>
  calls.flatMap((call) => some.filter((fault) => fault.concerns(call)).map((fault) => ({ call, fault })));

/** `504 at PUT backuppolicies/agama/status #1`. */
export const nameOfCell = ({ call, fault }: Cell): string => `${fault.name} at ${nameOfCall(call)}`;

// Only the watch that goes wrong is impatient: the others would add calls that no fault caused.
const patienceFor = ({ call, fault }: Cell): Patience => {
  const plural = call.what.split(' ')[1] ?? '';
  return {
    requestMs: 5000,
    idleMs: (path) => (fault.needs === 'shortIdle' && path.endsWith(`/${plural}`) ? 5000 : Infinity),
    ...(fault.needs === 'shortRelist' ? { tuning: { relistMs: 6000, watchMinMs: 6000, watchMaxMs: 7000 } } : {}),
  };
};

// Listing anew every few seconds is the test's own doing.
const isRelist = ({ method, path, query }: RecordedRequest): boolean =>
  method === 'GET' && (query.has('watch') || query.has('limit')) && !path.includes('/kube-system');

const countOf = ({ fault }: Cell, requests: readonly RecordedRequest[]): number =>
  fault.needs === 'shortRelist' ? requests.filter((one) => !isRelist(one)).length : requests.length;

/** A fault at a call that did not come: how often status is written depends on what is seen together. */
const missed = 'missed';

/** Plays one cell. Gives what is wrong with it; undefined: nothing. */
const playCell = async (bench: Bench, baseline: Baseline, cell: Cell, namespace: string) => {
  const faultAt = (call: Call): Fault | undefined =>
    nameOfCall(call) === nameOfCall(cell.call) ? cell.fault : undefined;
  try {
    const { state: expected } = baseline;
    const run = await runScenario(bench, { namespace, faultAt, patience: patienceFor(cell), expected });
    if (run.struck.length === 0) return missed;
    const wrong: string[] = [];
    const calls = countOf(cell, run.requests);
    if (calls > 2 * baseline.requests) wrong.push(`${calls} calls; undisturbed it takes ${baseline.requests}`);
    const wrongEvents = eventsBeyond(run.state, expected);
    if (wrongEvents.length > 0) wrong.push(`Events beyond the undisturbed run's: ${JSON.stringify(wrongEvents)}`);
    return wrong.length === 0 ? undefined : `${nameOfCell(cell)}: ${wrong.join('; ')}`;
  } catch (error) {
    return `${nameOfCell(cell)}: ${isRecord(error) ? String(error['message']) : String(error)}`;
  }
};

const tries = 3;

/** Plays a cell until its call comes, a few times at most. */
const playUntilMet = async (bench: Bench, baseline: Baseline, cell: Cell, namespace: string) => {
  for (let count = 1; count <= tries; count += 1) {
    const wrong = await playCell(bench, baseline, cell, `${namespace}-${count}`);
    if (wrong !== missed) return wrong;
  }
  return missed;
};

/** What came of cells. */
export interface Played {
  readonly failures: readonly string[];
  /** Those whose call came. */
  readonly met: number;
}

/** Plays cells, so many at the same time. */
export const playCells = async (
  bench: Bench,
  baseline: Baseline,
  cells: readonly Cell[],
  { prefix, parallel }: { prefix: string; parallel: number },
): Promise<Played> => {
  const queue = cells.map((cell, index) => ({ cell, namespace: `${prefix}-${index}` }));
  const failures: string[] = [];
  let met = 0;
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const wrong = await playUntilMet(bench, baseline, next.cell, next.namespace);
      if (wrong === missed) continue;
      met += 1;
      if (wrong !== undefined) failures.push(wrong);
    }
  };
  await Promise.all(Array.from({ length: parallel }, () => work()));
  return { failures, met };
};
