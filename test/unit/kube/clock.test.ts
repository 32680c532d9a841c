import { jest } from '@jest/globals';
import { sleep, systemClock } from '../../../src/kube/clock.ts';
import { createManualClock } from './manual-clock.ts';

const day = 24 * 60 * 60 * 1000;

afterEach(() => {
  jest.useRealTimers();
});

test('a timer of 30 days does not fire at once, as setTimeout alone would', () => {
  jest.useFakeTimers();
  let fired = 0;
  systemClock.setTimer(30 * day, () => {
    fired += 1;
  });
  jest.advanceTimersByTime(29 * day);
  expect(fired).toBe(0);
  jest.advanceTimersByTime(1 * day);
  expect(fired).toBe(1);
});

test('a cancelled long timer never fires, also after it was set again inside', () => {
  jest.useFakeTimers();
  let fired = 0;
  const timer = systemClock.setTimer(60 * day, () => {
    fired += 1;
  });
  jest.advanceTimersByTime(50 * day);
  timer.cancel();
  jest.advanceTimersByTime(50 * day);
  expect(fired).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
});

test('sleep ends with the signal and leaves no timer', async () => {
  const clock = createManualClock();
  const stop = new AbortController();
  const sleeping = sleep(clock, 1000, stop.signal);
  stop.abort();
  await sleeping;
  expect(clock.timers()).toBe(0);
});
