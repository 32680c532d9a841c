import { createElector, leaseDurations, type Elector } from '../../../src/kube/elector.ts';
import type { LeadershipLostError } from '../../../src/kube/errors.ts';
import { createTermFence, type TermFence } from '../../../src/kube/fence.ts';
import type { Term } from '../../../src/kube/lease.ts';
import type { LeaseRecord } from '../../../src/kube/lease-record.ts';
import { createLogger } from '../../../src/kube/logger.ts';
import { noMetrics } from '../../../src/kube/metrics.ts';
import { createLeaseServer, processClock, type LeaseServer, type ProcessClock } from './lease-server.ts';
import { createManualClock, settled, type ManualClock } from './manual-clock.ts';

const logger = createLogger({ level: 'silent' });

interface Process {
  readonly clock: ProcessClock;
  readonly fence: TermFence;
  readonly elector: Elector;
  readonly stop: AbortController;
  /** Set once it leads. */
  term: Term | undefined;
  /** What it was told when it lost the leadership. */
  lost: LeadershipLostError | undefined;
  /** Values of the metric, in their order. */
  readonly told: boolean[];
  /** Rejected with, when acquire was. */
  refusal: unknown;
}

let machine: ManualClock;
let server: LeaseServer;

beforeEach(() => {
  machine = createManualClock();
  server = createLeaseServer();
});

/** A process that wants to lead, from now on. `shiftMs`: how wrong its wall clock is. */
function start(identity: string, { shiftMs = 0, random = (): number => 0 } = {}): Process {
  const clock = processClock(machine, shiftMs);
  const durations = leaseDurations(15);
  const fence = createTermFence({ clock, validMs: durations.renewDeadlineMs });
  const told: boolean[] = [];
  const process: Process = {
    clock,
    fence,
    stop: new AbortController(),
    term: undefined,
    lost: undefined,
    told,
    refusal: undefined,
    elector: createElector({
      lease: server.clientOf(identity),
      identity,
      durations,
      fence,
      onLost: (error) => {
        process.lost = error;
      },
      logger,
      clock,
      metrics: { ...noMetrics, leading: (leads) => told.push(leads) },
      random,
    }),
  };
  const lead = async (): Promise<void> => {
    try {
      process.term = await process.elector.acquire(process.stop.signal);
    } catch (error) {
      process.refusal = error;
    }
  };
  void lead();
  return process;
}

const mayWrite = ({ fence }: Process): boolean => {
  try {
    fence.check();
    return true;
  } catch {
    return false;
  }
};

const held = (holder: string, change: Partial<LeaseRecord> = {}): LeaseRecord => ({
  holder,
  durationSeconds: 15,
  acquireTime: '2026-01-01T00:00:00.000000Z',
  renewTime: '2026-01-01T00:00:00.000000Z',
  transitions: 0,
  ...change,
});

/** Milliseconds until the process leads, to a tenth of a second. */
async function untilLeads(process: Process, limitMs = 60_000): Promise<number> {
  const startMs = machine.monotonicMs();
  await settled();
  while (process.term === undefined) {
    if (machine.monotonicMs() - startMs > limitMs) throw new Error(`does not lead after ${limitMs} ms`);
    await machine.advance(100);
  }
  return machine.monotonicMs() - startMs;
}

test('fifteen seconds are ten to renew, two between tries, and two requests fit', () => {
  expect(leaseDurations(15)).toEqual({ leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000, requestMs: 5000 });
});

describe('becoming the leader', () => {
  test('an absent Lease is made at once', async () => {
    const a = start('a');
    expect(mayWrite(a)).toBe(false);
    expect(await untilLeads(a)).toBe(0);
    expect(mayWrite(a)).toBe(true);
    expect(server.record()).toEqual(held('a'));
    expect(a.told).toEqual([false, true]);
  });

  test('of two that find none, one leads', async () => {
    const [a, b] = [start('a'), start('b')];
    await machine.advance(60_000);
    expect([a.term !== undefined, b.term !== undefined]).toEqual([true, false]);
    expect([mayWrite(a), mayWrite(b)]).toEqual([true, false]);
    expect(server.writes.slice(0, 2)).toEqual(['a a ok', 'b b AlreadyExists']);
  });

  test.each([
    { lease: held('dead'), atLeast: 15_000, reason: 'the whole duration after it was first seen' },
    { lease: held('dead', { durationSeconds: 40 }), atLeast: 40_000, reason: 'the holder’s duration' },
    { lease: held(''), atLeast: 0, reason: 'given back: at once' },
    {
      lease: held('dead', { renewTime: '1999-01-01T00:00:00.000000Z' }),
      atLeast: 15_000,
      reason: 'an old time in it is no reason to take it sooner',
    },
  ])('a lease that does not change is taken after $atLeast ms: $reason', async ({ lease, atLeast }) => {
    server.set(lease);
    const took = await untilLeads(start('a'));
    expect(took).toBeGreaterThanOrEqual(atLeast);
    expect(took).toBeLessThanOrEqual(atLeast + 2400);
    expect(server.record()).toMatchObject({ holder: 'a', transitions: 1, durationSeconds: 15 });
  });

  test('it is the last change that counts, also of an old record', async () => {
    server.set(held('other'));
    const a = start('a');
    await machine.advance(14_000);
    server.set(held('other', { renewTime: '2026-01-01T00:00:14.000000Z' }));
    expect(await untilLeads(a)).toBeGreaterThanOrEqual(15_000);
  });

  test('an annotation is no sign of life', async () => {
    server.set(held('dead'));
    const a = start('a');
    for (let second = 0; second < 14; second += 1) {
      await machine.advance(1000);
      server.annotate();
    }
    expect(await untilLeads(a)).toBeLessThanOrEqual(1000 + 2400);
    expect(server.object()?.metadata['annotations']).toBeDefined();
  });

  test('a predecessor of the same pod is another process: its lease is waited for', async () => {
    server.set(held('pod-1_first'));
    expect(await untilLeads(start('pod-1_second'))).toBeGreaterThanOrEqual(15_000);
  });

  test('a take-over whose answer was lost is not waited for', async () => {
    server.fail('a', 'done but not answered', 2);
    const a = start('a');
    await settled();
    expect(a.term).toBeUndefined();
    await machine.advance(2000);
    expect(a.term).toBeUndefined();
    expect(await untilLeads(a)).toBeLessThanOrEqual(2400);
    expect(server.record()).toMatchObject({ holder: 'a', transitions: 0 });
  });

  test('an API server that fails is asked again', async () => {
    server.fail('a', 'refused', 5);
    expect(await untilLeads(start('a'))).toBe(10_000);
  });

  test('looks of followers are spread', async () => {
    server.set(held(''));
    server.fail('a', 'refused', 1);
    expect(await untilLeads(start('a', { random: () => 0.99 }))).toBeGreaterThan(2300);
  });

  test('told to stop while it waits, it gives up with the reason and holds nothing', async () => {
    server.set(held('other'));
    const a = start('a');
    await machine.advance(5000);
    a.stop.abort(new Error('SIGTERM'));
    await settled();
    expect(a.refusal).toMatchObject({ message: 'SIGTERM' });
    await machine.advance(60_000);
    expect([a.term, server.record()?.holder, machine.timers()]).toEqual([undefined, 'other', 0]);
  });

  test('told to stop in the very moment in which it took the lease, it gives it back', async () => {
    const a = start('a');
    a.stop.abort(new Error('SIGTERM'));
    await machine.advance(0);
    expect(a.refusal).toMatchObject({ message: 'SIGTERM' });
    expect(server.record()?.holder).toBe('');
    expect(machine.timers()).toBe(0);
  });
});

describe('keeping it', () => {
  test('it renews every two seconds with one request, and the follower waits', async () => {
    const [a, b] = [start('a'), start('b')];
    await machine.advance(0);
    const before = server.writes.length;
    await machine.advance(600_000);
    expect(server.writes.slice(before)).toEqual(Array(300).fill('a a ok'));
    expect(server.record()).toMatchObject({ transitions: 0, renewTime: '2026-01-01T00:10:00.000000Z' });
    expect([mayWrite(a), mayWrite(b), a.elector.health.check().ok, b.elector.health.check().ok]).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });

  test.each([
    { fault: 'refused', reason: 'errors' },
    { fault: 'done but not answered', reason: 'lost answers' },
  ] as const)('$reason that end before the deadline cost nothing', async ({ fault }) => {
    const [a, b] = [start('a'), start('b')];
    await machine.advance(1000);
    server.fail('a', fault, 3);
    await machine.advance(60_000);
    expect([a.lost, mayWrite(a), b.term]).toEqual([undefined, true, undefined]);
    expect(server.record()).toMatchObject({ holder: 'a', transitions: 0 });
  });

  test.each([
    { act: () => server.annotate(), reason: 'somebody annotates the Lease' },
    { act: () => server.set(undefined), reason: 'somebody deletes it' },
    { act: () => server.set(held('a', { durationSeconds: 1 })), reason: 'somebody edits its duration' },
  ])('$reason: the leader stays', async ({ act }) => {
    const [a, b] = [start('a'), start('b')];
    await machine.advance(60_100);
    act();
    await machine.advance(60_000);
    expect([a.lost, mayWrite(a), b.term]).toEqual([undefined, true, undefined]);
    expect(server.record()).toMatchObject({ holder: 'a', durationSeconds: 15 });
  });

  test.each([{ shiftMs: -3_600_000 }, { shiftMs: 3_600_000 }])(
    'a clock that is $shiftMs ms off changes nothing',
    async ({ shiftMs }) => {
      const [a, b] = [start('a', { shiftMs }), start('b')];
      await machine.advance(120_000);
      expect([mayWrite(a), mayWrite(b), a.lost]).toEqual([true, false, undefined]);
      server.fail('a', 'refused', Infinity);
      const took = await untilLeads(b);
      expect(took).toBeGreaterThan(12_000);
      expect(took).toBeLessThanOrEqual(17_400);
      expect(mayWrite(a)).toBe(false);
    },
  );

  test.each([{ shiftMs: -3_600_000 }, { shiftMs: 3_600_000 }])(
    'a wall clock that jumps by $shiftMs ms costs at most a renewal',
    async ({ shiftMs }) => {
      const a = start('a');
      await machine.advance(5000);
      a.clock.shiftWall(shiftMs);
      await machine.advance(2000);
      expect([mayWrite(a), a.lost]).toEqual([true, undefined]);
    },
  );
});

describe('losing it', () => {
  test.each([
    { fault: 'refused', reason: 'errors' },
    { fault: 'never answered', reason: 'silence' },
  ] as const)('$reason until the deadline: lost ten seconds after the last renewal was sent', async ({ fault }) => {
    const [a, b] = [start('a'), start('b')];
    await machine.advance(4000);
    server.fail('a', fault, Infinity);
    await machine.advance(9999);
    expect([a.lost, mayWrite(a)]).toEqual([undefined, true]);
    await machine.advance(1);
    expect(a.lost?.message).toContain('not renewed for 10 s');
    expect([mayWrite(a), a.term?.lost.aborted, a.told.at(-1)]).toEqual([false, true, false]);
    expect(b.term).toBeUndefined();
    expect(await untilLeads(b)).toBeLessThanOrEqual(5000 + 2400);
  });

  test('the message has the last failure', async () => {
    const a = start('a');
    await settled();
    server.fail('a', 'refused', Infinity);
    await machine.advance(10_000);
    expect(a.lost?.message).toContain('InternalError');
  });

  test.each([
    { record: held('b'), says: 'b holds the lease', reason: 'somebody else took it' },
    { record: held(''), says: 'somebody gave the lease back', reason: 'somebody emptied it' },
  ])('$reason: lost at the next renewal, without waiting for the deadline', async ({ record, says }) => {
    const a = start('a');
    await machine.advance(1000);
    server.set(record);
    await machine.advance(1000);
    expect(a.lost?.message).toContain(says);
    expect([mayWrite(a), server.record()]).toEqual([false, record]);
    await machine.advance(60_000);
    expect(server.writes.filter((write) => write.endsWith('ok'))).toEqual(['a a ok']);
  });

  test.each([{ seconds: 12 }, { seconds: 60 }, { seconds: 3600 }])(
    'stopped for $seconds s and resumed: no write, not even of the Lease, and lost before anything else',
    async ({ seconds }) => {
      const [a, b] = [start('a'), start('b')];
      await machine.advance(5000);
      a.clock.stop();
      await machine.advance(seconds * 1000);
      const before = server.writes.length;
      // As a reconcile whose answer had come would: before any timer has had its turn.
      expect(mayWrite(a)).toBe(false);
      a.clock.resume();
      await settled();
      expect(a.lost).toBeDefined();
      expect(server.writes.slice(before)).toEqual([]);
      expect(b.term !== undefined).toBe(seconds > 12);
      expect(mayWrite(a)).toBe(false);
    },
  );

  test('stopped for less than the deadline and resumed: it goes on', async () => {
    const a = start('a');
    await machine.advance(5000);
    a.clock.stop();
    await machine.advance(5000);
    a.clock.resume();
    await machine.advance(60_000);
    expect([a.lost, mayWrite(a)]).toEqual([undefined, true]);
  });

  test('a suspended machine: the fence shuts by the wall clock, and the lease that another took is found lost', async () => {
    const a = start('a');
    await machine.advance(5000);
    a.clock.shiftWall(60_000);
    server.set(held('b', { transitions: 1 }));
    expect([mayWrite(a), a.lost]).toEqual([false, undefined]);
    await machine.advance(2000);
    expect(a.lost?.message).toContain('b holds the lease');
    expect(mayWrite(a)).toBe(false);
  });

  test('a success counts from when it was sent, however late its answer is', async () => {
    const a = start('a');
    await machine.advance(3999);
    server.fail('a', 'answered late', 1);
    await machine.advance(7000);
    server.deliver();
    server.fail('a', 'refused', Infinity);
    await machine.advance(3000);
    expect([a.lost, mayWrite(a)]).toEqual([undefined, true]);
    await machine.advance(1);
    expect(a.lost).toBeDefined();
    expect(mayWrite(a)).toBe(false);
  });

  test('a success whose answer comes after the loss does not bring it back', async () => {
    const a = start('a');
    await machine.advance(3999);
    server.fail('a', 'answered late', 1);
    await machine.advance(10_000);
    expect(a.lost).toBeDefined();
    server.deliver();
    await machine.advance(60_000);
    expect([mayWrite(a), machine.timers()]).toEqual([false, 0]);
  });

  test('health fails when the lease ran out and the process still takes itself for the leader', async () => {
    const a = start('a');
    await machine.advance(0);
    a.clock.stop();
    await machine.advance(14_999);
    expect(a.elector.health.check()).toEqual({ ok: true, detail: '15 s ago' });
    await machine.advance(1);
    expect(a.elector.health.check().ok).toBe(false);
  });
});

describe('ending it', () => {
  test('given back, it is empty, and the follower leads at its next look', async () => {
    const [a, b] = [start('a'), start('b')];
    await machine.advance(5000);
    await a.term?.release();
    expect(server.record()).toMatchObject({ holder: '', transitions: 0, durationSeconds: 1 });
    expect([mayWrite(a), a.lost, a.told.at(-1)]).toEqual([false, undefined, false]);
    expect(await untilLeads(b)).toBeLessThanOrEqual(2400);
    expect(server.record()).toMatchObject({ holder: 'b', transitions: 1 });
  });

  test('the fence is shut before the lease is given back', async () => {
    const a = start('a');
    await machine.advance(5000);
    const giving = a.term?.release();
    expect([mayWrite(a), server.record()?.holder]).toEqual([false, 'a']);
    await giving;
    expect(server.record()?.holder).toBe('');
  });

  test('a renewal that is answered only then does not open the fence again, and is waited for', async () => {
    const a = start('a');
    await machine.advance(3999);
    server.fail('a', 'answered late', 1);
    await machine.advance(1);
    const giving = a.term?.release();
    server.deliver();
    await settled();
    await giving;
    expect([mayWrite(a), server.record()?.holder]).toEqual([false, '']);
    expect(server.writes.slice(-2)).toEqual(['a a ok', 'a - ok']);
  });

  test('left and not given back, it runs out by itself', async () => {
    const [a, b] = [start('a'), start('b')];
    await machine.advance(5000);
    a.term?.abandon();
    expect([mayWrite(a), a.lost, a.told.at(-1)]).toEqual([false, undefined, false]);
    await machine.advance(10_000);
    expect([b.term, server.record()?.holder]).toEqual([undefined, 'a']);
    await untilLeads(b);
  });

  test('after an answer that was lost, another look lets it be given back', async () => {
    const a = start('a');
    await machine.advance(5900);
    server.fail('a', 'done but not answered', 1);
    await machine.advance(100);
    await a.term?.release();
    expect(server.record()?.holder).toBe('');
  });

  test('what another holds by now is left alone', async () => {
    const a = start('a');
    await machine.advance(1000);
    server.set(held('b'));
    await a.term?.release();
    expect(server.record()).toEqual(held('b'));
  });

  test('an API server that fails does not make it throw, and no timer is left', async () => {
    const a = start('a');
    await machine.advance(1000);
    server.fail('a', 'refused', Infinity);
    await a.term?.release();
    expect([mayWrite(a), machine.timers()]).toEqual([false, 0]);
  });

  test.each(['release', 'abandon'] as const)('%s after the loss writes nothing', async (end) => {
    const a = start('a');
    await machine.advance(1000);
    server.set(held('b'));
    await machine.advance(1000);
    expect(a.lost).toBeDefined();
    await a.term?.[end]();
    expect(server.record()).toEqual(held('b'));
    expect(machine.timers()).toBe(0);
  });
});
