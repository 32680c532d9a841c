import type { RestoreRequestStatus } from '../../../src/api/v1alpha1/restorerequest.ts';
import { eventually } from '../../support/operator/cluster.ts';
import { inParallel } from '../../support/parallel.ts';
import { theatreForAll } from './scene.ts';

// The pod that restores is killed in each of its containers, in each way there is. It is not tried again: the request says at which step, why,
// and what is in place; the workloads are back.

type Container = 'bring' | 'load' | 'swap' | 'check';
type Death = 'Vanished' | 'OOMKilled' | 'Evicted';

interface Row {
  readonly container: Container;
  readonly death: Death;
  readonly step: string;
  readonly cause: string;
  readonly state: string;
  readonly says: RegExp;
}

const before = { step: 'Finish', state: 'Untouched' };
const amid = { step: 'Swap', cause: 'RestoreInterrupted', state: 'Unavailable' };
const rows: readonly Row[] = [
  { container: 'bring', death: 'Vanished', ...before, cause: 'PodLost', says: /The pod is gone/ },
  { container: 'bring', death: 'OOMKilled', ...before, cause: 'OutOfMemory', says: /bring was stopped/ },
  { container: 'bring', death: 'Evicted', ...before, cause: 'PodLost', says: /Evicted/ },
  { container: 'load', death: 'Vanished', ...before, cause: 'PodLost', says: /The pod is gone/ },
  { container: 'load', death: 'OOMKilled', ...before, cause: 'OutOfMemory', says: /load was stopped/ },
  { container: 'load', death: 'Evicted', ...before, cause: 'PodLost', says: /Evicted/ },
  { container: 'swap', death: 'Vanished', ...amid, says: /nobody saw what is in place now \(PodLost\)/ },
  { container: 'swap', death: 'OOMKilled', ...amid, says: /nobody saw what is in place now \(OutOfMemory\)/ },
  { container: 'swap', death: 'Evicted', ...amid, says: /nobody saw what is in place now \(PodLost\)/ },
  // What it replaced is not known to be whole once its own word is gone with it.
  { container: 'check', death: 'Vanished', ...amid, says: /nobody saw what is in place now \(PodLost\)/ },
  {
    container: 'check',
    death: 'OOMKilled',
    step: 'Finish',
    cause: 'OutOfMemory',
    state: 'Replaced',
    says: /check was stopped/,
  },
  { container: 'check', death: 'Evicted', step: 'Finish', cause: 'PodLost', state: 'Replaced', says: /Evicted/ },
];
const nameOf = ({ container, death }: Row): string => `${container} ${death}`;

/** What was found once a request had ended. */
interface Found {
  readonly status: RestoreRequestStatus;
  readonly jobs: number;
  readonly replicas: unknown;
  readonly finalizers: readonly string[];
  /** How many replicas there were just before the pod was killed. */
  readonly replicasBefore: unknown;
}

const on = theatreForAll('killed');
const outcomes = new Map<string, Found | Error>();

const playOne = async ({ container, death }: Row): Promise<Found> => {
  const { play, namespace, begin } = await on.setUp();
  await begin();
  const isBeyondGate = container === 'swap' || container === 'check';
  await play.restoreUntil(isBeyondGate ? 'swap' : container);
  if (isBeyondGate) await eventually('the pod is told', async () => (await play.gate())?.state === 'Held', 60_000);
  if (container === 'check') {
    await play.restoreUntil('check');
    await play.phase('Verifying');
  }
  const replicasBefore = await play.replicasOf('shop');
  if (death === 'Vanished') await play.vanish();
  else await play.killed(container, death);
  const status: RestoreRequestStatus = await play.phase('Failed');
  // What it may have loaded is removed before the request can go.
  if (status.policies?.some(({ loaded }) => loaded === 'Left') === true) await play.removal('clean');
  const jobs = await on.restoreJobs(namespace);
  const finalizers = await eventually('nothing is held', async () => {
    const request = await on.cluster.get('restorerequest', 'orders-lost', '--namespace', namespace);
    const all = [request, ...(await on.restoreJobs(namespace))].flatMap(({ metadata }) => metadata.finalizers ?? []);
    return all.length === 0 && all;
  });
  return { status, jobs: jobs.length, replicas: await play.replicasOf('shop'), finalizers, replicasBefore };
};

beforeAll(async () => {
  await inParallel(rows, 4, async (row) => {
    outcomes.set(nameOf(row), await playOne(row).catch((error: unknown) => new Error(nameOf(row), { cause: error })));
  });
}, 400_000);

test.each(rows)('$container, $death: $cause at $step, $state', (row) => {
  const found = outcomes.get(nameOf(row));
  if (found === undefined || found instanceof Error) throw found ?? new Error('it was not played');
  const { step, cause, state, says, container } = row;
  expect(found.status).toMatchObject({
    phase: 'Failed',
    failure: { policy: 'agama', step, reason: cause },
    policies: [{ policy: 'agama', outcome: 'Failed', state }],
  });
  expect(found.status.message).toMatch(says);
  expect(found.replicasBefore).toBe(container === 'swap' || container === 'check' ? 0 : 2);
  expect(found.replicas).toBe(2);
  expect(found.jobs).toBe(1);
});
