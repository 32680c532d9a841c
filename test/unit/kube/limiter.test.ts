import { createLimiter } from '../../../src/kube/limiter.ts';
import { createManualClock, settled } from './manual-clock.ts';

const never = new AbortController().signal;

test('after the burst, requests go at the rate', async () => {
  const clock = createManualClock();
  const limiter = createLimiter({ clock, perSecond: 10, burst: 3, parallel: 100 });
  let sent = 0;
  const send = async (): Promise<void> => {
    const release = await limiter.acquire(never);
    sent += 1;
    release();
  };
  for (let i = 0; i < 10; i += 1) void send();
  await settled();
  expect(sent).toBe(3);
  await clock.advance(250);
  expect(sent).toBe(5);
  await clock.advance(1000);
  expect(sent).toBe(10);
});

test('no more than `parallel` at a time, and each place given back is used once', async () => {
  const clock = createManualClock();
  const limiter = createLimiter({ clock, perSecond: 1000, burst: 1000, parallel: 2 });
  const releases: (() => void)[] = [];
  for (let i = 0; i < 5; i += 1) void limiter.acquire(never).then((release) => releases.push(release));
  await settled();
  expect(releases).toHaveLength(2);
  releases[0]?.();
  releases[0]?.();
  await settled();
  expect(releases).toHaveLength(3);
});

test('one who gives up waiting leaves its place in the row to the next', async () => {
  const limiter = createLimiter({ clock: createManualClock(), perSecond: 1000, burst: 1000, parallel: 1 });
  const release = await limiter.acquire(never);
  const impatient = new AbortController();
  const given = limiter.acquire(impatient.signal);
  const patient = limiter.acquire(never);
  impatient.abort(new Error('enough'));
  await expect(given).rejects.toThrow('enough');
  release();
  expect(await patient).toBeInstanceOf(Function);
});

test('a pause the server asked for holds everybody', async () => {
  const clock = createManualClock();
  const limiter = createLimiter({ clock, perSecond: 1000, burst: 1000, parallel: 10 });
  limiter.pause(5000);
  let sent = 0;
  void limiter.acquire(never).then(() => (sent += 1));
  await clock.advance(4999);
  expect(sent).toBe(0);
  await clock.advance(1);
  expect(sent).toBe(1);
});
