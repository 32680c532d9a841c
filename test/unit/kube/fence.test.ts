import { LeadershipLostError } from '../../../src/kube/errors.ts';
import { createTermFence, momentOf, type TermFence } from '../../../src/kube/fence.ts';
import { processClock, type ProcessClock } from './lease-server.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';

let machine: ManualClock;
let clock: ProcessClock;
let fence: TermFence;

beforeEach(() => {
  machine = createManualClock();
  clock = processClock(machine);
  fence = createTermFence({ clock, validMs: 10_000 });
});

const open = (): boolean => {
  try {
    fence.check();
    return true;
  } catch (error) {
    if (error instanceof LeadershipLostError) return false;
    throw error;
  }
};

test.each([
  { act: async () => {}, is: false, reason: 'never led' },
  { act: async () => fence.extend(momentOf(clock)), is: true, reason: 'just renewed' },
  {
    act: async () => {
      fence.extend(momentOf(clock));
      await machine.advance(9999);
    },
    is: true,
    reason: 'the last moment',
  },
  {
    act: async () => {
      fence.extend(momentOf(clock));
      await machine.advance(10_000);
    },
    is: false,
    reason: 'run out',
  },
  {
    act: async () => {
      const sent = momentOf(clock);
      await machine.advance(4000);
      fence.extend(sent);
      await machine.advance(6000);
    },
    is: false,
    reason: 'it counts from when the renewal was sent, not from its answer',
  },
  {
    act: async () => {
      fence.extend(momentOf(clock));
      clock.shiftWall(10_000);
    },
    is: false,
    reason: 'the machine was suspended: only the wall clock went on',
  },
  {
    act: async () => {
      fence.extend(momentOf(clock));
      clock.shiftWall(-3_600_000);
      await machine.advance(10_000);
    },
    is: false,
    reason: 'the wall clock was set back: the monotonic one counts',
  },
  {
    act: async () => {
      fence.extend(momentOf(clock));
      clock.shiftWall(3_600_000);
      fence.extend(momentOf(clock));
    },
    is: true,
    reason: 'renewed after the wall clock was set forward',
  },
  {
    act: async () => {
      fence.extend(momentOf(clock));
      fence.shut('over');
    },
    is: false,
    reason: 'shut',
  },
])('open: $is when $reason', async ({ act, is }) => {
  await act();
  expect(open()).toBe(is);
});

test('the refusal says why', async () => {
  expect(() => fence.check()).toThrow('this process may not write: this process has not become the leader yet');
  fence.extend(momentOf(clock));
  await machine.advance(61_300);
  expect(() => fence.check()).toThrow('last renewed 61.3 s ago and a renewal counts for 10.0 s');
  fence.shut('x holds the lease');
  expect(() => fence.check()).toThrow('x holds the lease');
});

test('what is left is told by the monotonic clock, what has passed by the one that says more', async () => {
  expect([fence.leftMs(), fence.elapsedMs()]).toEqual([0, 0]);
  fence.extend(momentOf(clock));
  clock.shiftWall(5000);
  await machine.advance(1000);
  expect([fence.leftMs(), fence.elapsedMs()]).toEqual([9000, 6000]);
});
