import { createController, type ControllerOptions, type ReconcileContext } from '../../../src/kube/controller.ts';
import { createLogger } from '../../../src/kube/logger.ts';
import { noMetrics } from '../../../src/kube/metrics.ts';
import type { ObjectEvent, Reflector } from '../../../src/kube/reflector.ts';
import { createStore } from '../../../src/kube/store.ts';
import { createManualClock, settled, type ManualClock } from './manual-clock.ts';

const logger = createLogger({ level: 'silent' });
const type = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };

function fakeReflector() {
  const handlers: ((event: ObjectEvent<string>) => void)[] = [];
  const reflector: Reflector<string> = {
    type,
    store: createStore<string>(),
    onEvent: (handler) => void handlers.push(handler),
    run: () => Promise.resolve(),
    synced: Promise.resolve(),
    hasSynced: () => true,
    lastActivityMs: () => 0,
    lastContactMs: () => 0,
    remember: () => {},
  };
  return { reflector, emit: (event: ObjectEvent<string>) => handlers.forEach((handler) => handler(event)) };
}

function start(reconcile: ControllerOptions['reconcile'], extra: Partial<ControllerOptions> = {}) {
  const clock = createManualClock();
  const outcomes: string[] = [];
  const controller = createController({
    name: 'test',
    kind: 'ConfigMap',
    reconcile,
    logger,
    clock,
    random: () => 0,
    backoffBaseMs: 100,
    backoffCapMs: 1000,
    metrics: { ...noMetrics, reconciled: (_controller, outcome) => outcomes.push(outcome) },
    ...extra,
  });
  const stop = new AbortController();
  const abort = new AbortController();
  const running = controller.run({ stop: stop.signal, abort: abort.signal });
  const end = async (): Promise<void> => {
    abort.abort();
    await running;
  };
  return { clock, controller, outcomes, stop, abort, running, end };
}

/** A reconcile that goes on until the test lets it. */
function gate() {
  const started: ReconcileContext[] = [];
  const open: (() => void)[] = [];
  const reconcile = (context: ReconcileContext): Promise<void> => {
    started.push(context);
    return new Promise((resolve) => open.push(resolve));
  };
  return { started, open, reconcile };
}

async function advance(clock: ManualClock, ms: number): Promise<void> {
  await clock.advance(ms);
}

test('events become keys, by default the own one', async () => {
  const seen: string[] = [];
  const { controller, end } = start(async ({ key, namespace, name }) => void seen.push(`${key}|${namespace}|${name}`));
  const { reflector, emit } = fakeReflector();
  controller.watch(reflector);
  controller.watch(reflector, ({ key }) => [`${key}-owner`, 'also']);
  emit({ type: 'added', key: 'ns/a', object: 'x' });
  await settled();
  await end();
  expect(seen.sort()).toEqual(['also|undefined|also', 'ns/a-owner|ns|a-owner', 'ns/a|ns|a']);
});

test('a failure is tried again with growing waits, and success starts them anew', async () => {
  const times: number[] = [];
  const { clock, controller, outcomes, end } = start(async ({ failures }) => {
    times.push(clock.monotonicMs());
    if (failures < 3) throw new Error('not yet');
  });
  controller.enqueue('a');
  await advance(clock, 5000);
  expect(times).toEqual([0, 100, 300, 700]);
  expect(outcomes).toEqual(['failed', 'failed', 'failed', 'done']);
  controller.enqueue('a');
  await advance(clock, 100);
  expect(times).toHaveLength(6);
  await end();
});

test('a key that always fails does not keep the others waiting', async () => {
  const done: string[] = [];
  const { clock, controller, end } = start(
    async ({ key }) => {
      if (key === 'bad') throw new Error('always');
      done.push(key);
    },
    { workers: 1 },
  );
  controller.enqueue('bad');
  for (let i = 0; i < 50; i += 1) controller.enqueue(`good-${i}`);
  await settled();
  expect(done).toHaveLength(50);
  expect(clock.monotonicMs()).toBe(0);
  await end();
});

test('asks again after the time it was told', async () => {
  let runs = 0;
  const { clock, controller, outcomes, end } = start(async () => {
    runs += 1;
    return { requeueAfterMs: 60_000 };
  });
  controller.enqueue('a');
  await advance(clock, 59_999);
  expect(runs).toBe(1);
  await advance(clock, 60_001);
  expect(runs).toBe(3);
  expect(outcomes).toEqual(['requeued', 'requeued', 'requeued']);
  await end();
});

test('who saw what was behind looks again with growing waits, and it is no failure', async () => {
  const times: number[] = [];
  const { clock, controller, outcomes, end } = start(async () => {
    times.push(clock.monotonicMs());
    return times.length < 4 ? { lookAgain: true } : {};
  });
  controller.enqueue('a');
  await advance(clock, 5000);
  expect(times).toEqual([0, 100, 300, 700]);
  expect(outcomes).toEqual(['requeued', 'requeued', 'requeued', 'done']);
  await end();
});

test('a reconcile that takes too long is aborted and tried again', async () => {
  let aborted = 0;
  const { clock, controller, outcomes, end } = start(
    ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted += 1;
          reject(signal.reason);
        });
      }),
    { timeLimitMs: 1000 },
  );
  controller.enqueue('a');
  await advance(clock, 999);
  expect(controller.oldestMs()).toBe(999);
  await advance(clock, 1);
  expect(aborted).toBe(1);
  expect(outcomes).toEqual(['failed']);
  await end();
});

test('stopping lets what is under way finish, and starts nothing more', async () => {
  const { started, open, reconcile } = gate();
  const { controller, outcomes, stop, running } = start(reconcile, { workers: 1 });
  controller.enqueue('a');
  controller.enqueue('b');
  await settled();
  stop.abort();
  await settled();
  expect(started[0]?.signal.aborted).toBe(false);
  open[0]?.();
  await running;
  expect(started.map(({ key }) => key)).toEqual(['a']);
  expect(outcomes).toEqual(['done']);
});

test('aborting reaches the reconcile under way, and is no failure', async () => {
  const { controller, outcomes, abort, running } = start(
    ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  );
  controller.enqueue('a');
  await settled();
  abort.abort();
  await running;
  expect(outcomes).toEqual(['aborted']);
});

test('reconciles that await nothing let timers and answers have their turn', async () => {
  const { controller, outcomes, end } = start(async () => {});
  for (let key = 0; key < 1000; key += 1) controller.enqueue(String(key));
  const doneBefore = await new Promise<number>((resolve) => {
    setTimeout(() => resolve(outcomes.length), 0);
  });
  expect(doneBefore).toBeLessThan(1000);
  await end();
});
