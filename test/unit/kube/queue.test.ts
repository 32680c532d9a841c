import * as fc from 'fast-check';
import { backoffMs } from '../../../src/kube/backoff.ts';
import { createQueue } from '../../../src/kube/queue.ts';
import { createManualClock, settled } from './manual-clock.ts';

const backoff = { baseMs: 100, capMs: 10_000, random: () => 0 };

test('a key waits at most once', async () => {
  const queue = createQueue({ clock: createManualClock(), backoff });
  queue.add('a');
  queue.add('b');
  queue.add('a');
  expect(queue.depth()).toBe(2);
  expect([await queue.next(), await queue.next()]).toEqual(['a', 'b']);
});

test('a key added while it is worked on comes again after it is done, and not before', async () => {
  const queue = createQueue({ clock: createManualClock(), backoff });
  queue.add('a');
  expect(await queue.next()).toBe('a');
  queue.add('a');
  expect(queue.depth()).toBe(0);
  queue.done('a');
  expect(await queue.next()).toBe('a');
  queue.done('a');
  expect(queue.depth()).toBe(0);
});

test('of several delays of a key the shortest counts, and it comes once', async () => {
  const clock = createManualClock();
  const queue = createQueue({ clock, backoff });
  queue.addAfter('a', 5000);
  queue.addAfter('a', 1000);
  queue.addAfter('a', 3000);
  await clock.advance(999);
  expect(queue.depth()).toBe(0);
  await clock.advance(1);
  expect(queue.depth()).toBe(1);
  queue.done((await queue.next()) ?? '');
  await clock.advance(10_000);
  expect(queue.depth()).toBe(0);
});

test('all delays share one timer', () => {
  const clock = createManualClock();
  const queue = createQueue({ clock, backoff });
  for (const delay of [5000, 1000, 9000, 1, 4000]) queue.addAfter(`k${delay}`, delay);
  expect(clock.timers()).toBe(1);
});

test('shutting down wakes idle workers, drops what waits and sets no timer', async () => {
  const clock = createManualClock();
  const queue = createQueue({ clock, backoff });
  const idle = queue.next();
  queue.addAfter('later', 1000);
  queue.shutDown();
  expect(await idle).toBeUndefined();
  queue.add('a');
  queue.addAfter('b', 1);
  expect(await queue.next()).toBeUndefined();
  expect(clock.timers()).toBe(0);
});

test('forgetting starts the backoff anew', () => {
  const queue = createQueue({ clock: createManualClock(), backoff });
  expect([queue.addRateLimited('a'), queue.addRateLimited('a'), queue.addRateLimited('a')]).toEqual([100, 200, 400]);
  expect(queue.failures('a')).toBe(3);
  expect(queue.addRateLimited('b')).toBe(100);
  queue.forget('a');
  expect(queue.failures('a')).toBe(0);
  expect(queue.addRateLimited('a')).toBe(100);
});

test('backoff grows from failure to failure up to the cap, whatever the jitter', () => {
  const jitter = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 0, max: 40 }),
      jitter,
      jitter,
      (baseMs, n, a, b) => {
        const capMs = baseMs * 2 ** 20;
        const wait = backoffMs(n, { baseMs, capMs, random: () => a });
        const next = backoffMs(n + 1, { baseMs, capMs, random: () => b });
        expect(wait).toBeGreaterThan(0);
        expect(Math.max(wait, next)).toBeLessThanOrEqual(capMs);
        // Above the cap only the jitter moves it.
        expect(next).toBeGreaterThan(n < 20 ? wait : capMs * 0.74);
      },
    ),
  );
});

type Step = {
  readonly do: 'add' | 'addAfter' | 'addRateLimited' | 'finish' | 'advance';
  readonly key: string;
  readonly ms: number;
};

const steps = fc.array(
  fc.record<Step>({
    do: fc.constantFrom('add', 'addAfter', 'addRateLimited', 'finish', 'advance'),
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    ms: fc.integer({ min: 0, max: 3000 }),
  }),
  { maxLength: 60 },
);

test('never two workers on a key, and no addition is lost', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 4 }), async (script, workers) => {
      const clock = createManualClock();
      const queue = createQueue({ clock, backoff });
      const active = new Map<string, () => void>();
      // Additions whose work has not begun yet: each must be followed by a start.
      const owed = new Set<string>();
      let overlaps = 0;

      const worker = async (): Promise<void> => {
        for (let key = await queue.next(); key !== undefined; key = await queue.next()) {
          if (active.has(key)) overlaps += 1;
          owed.delete(key);
          const name = key;
          await new Promise<void>((resolve) => active.set(name, resolve));
          active.delete(key);
          queue.done(key);
        }
      };
      const finish = async (): Promise<void> => {
        const [first] = active.values();
        first?.();
        await settled();
      };

      const all = Promise.all(Array.from({ length: workers }, worker));
      for (const step of script) {
        if (step.do === 'finish') await finish();
        else if (step.do === 'advance') await clock.advance(step.ms);
        else {
          owed.add(step.key);
          if (step.do === 'add') queue.add(step.key);
          if (step.do === 'addAfter') queue.addAfter(step.key, step.ms);
          if (step.do === 'addRateLimited') queue.addRateLimited(step.key);
          await settled();
        }
      }
      for (let round = 0; round < 200 && (owed.size > 0 || active.size > 0); round += 1) {
        await clock.advance(10_000);
        await finish();
      }
      expect(overlaps).toBe(0);
      expect([...owed]).toEqual([]);
      expect(queue.depth()).toBe(0);
      queue.shutDown();
      await all;
    }),
    { numRuns: 100 },
  );
});
