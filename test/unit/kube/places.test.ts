import { createPlaces } from '../../../src/kube/places.ts';

const never = new AbortController().signal;

/** Lets all that can go on go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

const takeAll = (places: ReturnType<typeof createPlaces>, count: number, entered: number[]) =>
  Array.from({ length: count }, async (_unused, index) => {
    const release = await places.take(never);
    entered.push(index);
    return release;
  });

test('no more enter than there are places, and who waits longest enters first', async () => {
  const entered: number[] = [];
  const taking = takeAll(createPlaces(2), 4, entered);
  await settle();
  expect(entered).toEqual([0, 1]);
  (await taking[1])?.();
  await settle();
  expect(entered).toEqual([0, 1, 2]);
  (await taking[0])?.();
  await settle();
  expect(entered).toEqual([0, 1, 2, 3]);
});

test('a place given back twice is given back once', async () => {
  const places = createPlaces(1);
  const release = await places.take(never);
  release();
  release();
  const entered: number[] = [];
  takeAll(places, 2, entered);
  await settle();
  expect(entered).toEqual([0]);
});

test('who gives up waiting takes no place', async () => {
  const places = createPlaces(1);
  const release = await places.take(never);
  const leave = new AbortController();
  const waiting = places.take(leave.signal);
  leave.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  const entered: number[] = [];
  takeAll(places, 1, entered);
  release();
  await settle();
  expect(entered).toEqual([0]);
});

test('who has given up before does not wait', async () => {
  await expect(createPlaces(1).take(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
});
