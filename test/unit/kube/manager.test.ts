import { createController } from '../../../src/kube/controller.ts';
import { alwaysLeader, type Leadership } from '../../../src/kube/lease.ts';
import { createLogger } from '../../../src/kube/logger.ts';
import { createManager, type AnyReflector, type ManagerOptions } from '../../../src/kube/manager.ts';
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

function setUp(reconcile: (signal: AbortSignal) => Promise<void>, options: Partial<ManagerOptions> = {}) {
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
    leadership: alwaysLeader,
    logger,
    clock,
    drainMs: 1000,
    ...options,
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
    { leadership: { acquire: (signal) => won.promise.then(() => alwaysLeader.acquire(signal)) } },
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

test('one who leads at once waits for the caches all the same', async () => {
  let runs = 0;
  const { sync, stop, running } = setUp(async () => {
    runs += 1;
  });
  await settled();
  expect(runs).toBe(0);
  sync();
  await settled();
  expect(runs).toBe(1);
  stop.abort();
  await running;
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

/** A leadership that can be lost, and says how its term was ended. */
function watchedLeadership() {
  const lost = new AbortController();
  const ends: string[] = [];
  const leadership: Leadership = {
    acquire: async () => ({
      lost: lost.signal,
      release: async () => void ends.push('released'),
      abandon: () => void ends.push('abandoned'),
    }),
  };
  return { lost, ends, leadership };
}

test('losing the leadership aborts reconciles at once, without a drain, and nothing is given back', async () => {
  const { lost, ends, leadership } = watchedLeadership();
  let aborted = false;
  const { clock, sync, running } = setUp(
    (signal) =>
      forever(signal).finally(() => {
        aborted = true;
      }),
    { leadership },
  );
  sync();
  await settled();
  lost.abort();
  expect(await running).toBe('leadershipLost');
  expect([aborted, ends, clock.monotonicMs()]).toEqual([true, [], 0]);
});

test('losing the leadership while draining is a loss too', async () => {
  const { lost, ends, leadership } = watchedLeadership();
  const { sync, stop, running } = setUp((signal) => forever(signal), { leadership });
  sync();
  await settled();
  stop.abort();
  await settled();
  lost.abort();
  expect(await running).toBe('leadershipLost');
  expect(ends).toEqual([]);
});

describe('a stop gives the leadership back only when nothing may write any more', () => {
  test.each([
    {
      reason: 'all ended by itself',
      reconcile: () => Promise.resolve(),
      flush: () => Promise.resolve(),
      ends: ['flushed', 'released'],
    },
    {
      reason: 'a reconcile had to be aborted: the server may still carry its request out',
      reconcile: forever,
      flush: () => Promise.resolve(),
      ends: ['abandoned'],
    },
    {
      reason: 'a reconcile ignores its signal',
      reconcile: () => new Promise<void>(() => {}),
      flush: () => Promise.resolve(),
      ends: ['abandoned'],
    },
    {
      reason: 'Events are still being written',
      reconcile: () => Promise.resolve(),
      flush: () => new Promise<void>(() => {}),
      ends: ['flushed', 'abandoned'],
    },
  ])('$reason: $ends', async ({ reconcile, flush, ends: expected }) => {
    const { ends, leadership } = watchedLeadership();
    const { clock, sync, stop, running } = setUp(reconcile, {
      leadership,
      flush: () => {
        ends.push('flushed');
        return flush();
      },
    });
    sync();
    await settled();
    stop.abort();
    await clock.advance(60_000);
    expect(await running).toBe('stopped');
    expect(ends).toEqual(expected);
  });
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
