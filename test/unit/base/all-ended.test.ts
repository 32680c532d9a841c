import { setTimeout as sleep } from 'node:timers/promises';
import { allEnded } from '../../../src/base/all-ended.ts';

test('gives what each came to', async () => {
  expect(await allEnded([Promise.resolve(1), sleep(5, 'two')])).toEqual([1, 'two']);
});

test('a failure waits for the others, and the first in order counts', async () => {
  const ended: string[] = [];
  const fails = async (name: string, milliseconds: number): Promise<never> => {
    await sleep(milliseconds);
    ended.push(name);
    throw new Error(name);
  };
  const succeeds = async (): Promise<void> => {
    await sleep(20);
    ended.push('succeeds');
  };
  await expect(allEnded([succeeds(), fails('later', 10), fails('sooner', 1)])).rejects.toThrow('later');
  expect(ended).toEqual(['sooner', 'later', 'succeeds']);
});
