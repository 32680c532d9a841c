import { createController } from '../../../src/kube/controller.ts';
import { alwaysLeader, type Leadership } from '../../../src/kube/lease.ts';
import { createLogger } from '../../../src/kube/logger.ts';
import { createManager, type AnyReflector } from '../../../src/kube/manager.ts';
import { createManualClock, settled } from './manual-clock.ts';

const logger = createLogger({ level: 'silent' });

function fakeReflector() {
  const synced = Promise.withResolvers<void>();
  const state = { stopped: false, synced: false };
  const reflector: AnyReflector = {
    type: { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
    run: (signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          state.stopped = true;
          resolve();
        });
      }),
    synced: synced.promise,
    hasSynced: () => state.synced,
    lastActivityMs: () => 0,
  };
  const sync = (): void => {
    state.synced = true;
    synced.resolve();
  };
  return { reflector, state, sync };
}

function setUp(reconcile: (signal: AbortSignal) => Promise<void>, leadership: Leadership = alwaysLeader) {
  const clock = createManualClock();
  const { reflector, state, sync } = fakeReflector();
  const controller = createController({
    name: 'c',
    kind: 'K',
    logger,
    clock,
    reconcile: ({ signal }) => reconcile(signal),
  });
  controller.enqueue('a');
  const manager = createManager({
    reflectors: [reflector],
    controllers: [controller],
    leadership,
    logger,
    clock,
    drainMs: 1000,
  });
  const stop = new AbortController();
  const running = manager.run(stop.signal);
  return { clock, manager, state, sync, stop, running };
}

const forever = (signal: AbortSignal): Promise<void> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });

test('nothing is reconciled before the caches are filled, nor before this process leads', async () => {
  const won = Promise.withResolvers<void>();
  let runs = 0;
  const { manager, sync, stop, running } = setUp(
    async () => {
      runs += 1;
    },
    { acquire: (signal) => won.promise.then(() => alwaysLeader.acquire(signal)) },
  );
  await settled();
  expect(manager.ready.map(({ check }) => check().ok)).toEqual([false]);
  sync();
  await settled();
  expect(manager.ready.map(({ check }) => check().ok)).toEqual([true]);
  expect(runs).toBe(0);
  won.resolve();
  await settled();
  expect(runs).toBe(1);
  stop.abort();
  expect(await running).toBe('stopped');
});

test('stopping before the caches are filled ends at once', async () => {
  const { state, stop, running } = setUp(async () => {});
  stop.abort();
  expect(await running).toBe('stopped');
  expect(state.stopped).toBe(true);
});

test('a stop waits for the drain time, then aborts what is left; caches stop last', async () => {
  let abortedAtMs: number | undefined;
  const { clock, state, sync, stop, running } = setUp((signal) =>
    forever(signal).finally(() => {
      abortedAtMs = clock.monotonicMs();
    }),
  );
  sync();
  await settled();
  stop.abort();
  await clock.advance(999);
  expect([abortedAtMs, state.stopped]).toEqual([undefined, false]);
  await clock.advance(1);
  expect(await running).toBe('stopped');
  expect([abortedAtMs, state.stopped]).toEqual([1000, true]);
});

test('a reconcile that ignores its signal does not keep the process', async () => {
  const { clock, sync, stop, running } = setUp(() => new Promise(() => {}));
  sync();
  await settled();
  stop.abort();
  await clock.advance(60_000);
  expect(await running).toBe('stopped');
});

test('losing the leadership aborts reconciles at once, without a drain', async () => {
  const lost = new AbortController();
  let released = false;
  let aborted = false;
  const { clock, sync, running } = setUp(
    (signal) =>
      forever(signal).finally(() => {
        aborted = true;
      }),
    {
      acquire: async () => ({
        lost: lost.signal,
        release: async () => {
          released = true;
        },
      }),
    },
  );
  sync();
  await settled();
  lost.abort();
  expect(await running).toBe('leadershipLost');
  expect([aborted, released, clock.monotonicMs()]).toEqual([true, true, 0]);
});

test('a reconcile that never ends, and a reflector that does nothing, are not alive', async () => {
  const { clock, manager, sync, stop, running } = setUp(() => new Promise(() => {}));
  sync();
  await settled();
  expect(manager.live.map(({ check }) => check().ok)).toEqual([true, true]);
  await clock.advance(11 * 60_000);
  expect(manager.live.map(({ name, check }) => [name, check().ok])).toEqual([
    ['configmaps watched', false],
    ['c progresses', false],
  ]);
  stop.abort();
  await clock.advance(60_000);
  await running;
});
