import { quartersOf, slopePerHour } from '../../bench/soak/figures.ts';
import { wantedLines, whyNotSettled } from '../../bench/soak/settled.ts';
import { createStorm } from '../../bench/soak/storm.ts';
import { createRandom } from '../../faults/random.ts';
import type { ProxiedRequest } from '../../faults/proxy.ts';
import { rawPolicy, type Json } from '../../support/operator/policies.ts';

const ready = { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] };
const policyWith = (status: Json) => rawPolicy({ status });
const lines = wantedLines(rawPolicy());
const full = 'agama-full';

describe('whyNotSettled: a soak that could not fail would prove nothing', () => {
  test.each([
    { reason: 'all is as it should be', status: ready, found: lines, says: undefined },
    { reason: 'an old spec', status: { ...ready, observedGeneration: 0 }, found: lines, says: 'newest spec' },
    { reason: 'not Ready', status: { ...ready, conditions: [] }, found: lines, says: 'not Ready' },
    { reason: 'edited', status: ready, found: { ...lines, [full]: '0 0 1 1 * x active' }, says: full },
    { reason: 'deleted', status: ready, found: {}, says: 'absent' },
    { reason: 'one too many', status: ready, found: { ...lines, more: 'x' }, says: 'CronJob more' },
    { reason: 'a run is unknown', status: ready, found: lines, run: 'run-1', says: 'does not tell of run-1' },
  ])('$reason', ({ status, found, run, says }) => {
    const why = whyNotSettled(policyWith(status), found, run);
    expect(says === undefined ? why : why?.includes(says)).toBe(says === undefined ? undefined : true);
  });
});

describe('figures', () => {
  const samples = [0, 1, 2, 3, 4].map((minutes) => ({ minutes, rssMiB: 100 + minutes / 2 }));
  test('half a MiB a minute is 30 an hour', () => expect(slopePerHour(samples)).toBeCloseTo(30));
  test('the last look of each quarter', () => expect(quartersOf(samples, 4)).toEqual([100.5, 101, 101.5, 102]));
});

const call = (path: string): ProxiedRequest => ({
  index: 0,
  method: 'PUT',
  path,
  query: new URLSearchParams(),
  isWrite: true,
  isWatch: false,
  namespace: 'shop',
  what: `PUT ${path}`,
  body: '',
});

describe('the storm', () => {
  /** Which faults strike 60 writes, one a second. */
  const strike = (path: string): string[] => {
    let nowMs = 0;
    const storm = createStorm(createRandom(7), () => nowMs);
    for (; nowMs < 60_000; nowMs += 1000) {
      storm.brew();
      storm.decide(call(path));
    }
    return [...storm.struck].map(([name, count]) => `${name}: ${count}`);
  };
  const strikes = (path: string): number => strike(path).reduce((sum, line) => sum + Number(line.split(': ')[1]), 0);

  test('the same seed gives the same faults', () => expect(strike('/cronjobs/a')).toEqual(strike('/cronjobs/a')));
  test('the lease has ten seconds between two, and is never kept waiting for ever', () => {
    expect(strikes('/leases/holdfast')).toBe(6);
    expect(strike('/leases/holdfast').filter((line) => line.startsWith('half-open'))).toEqual([]);
  });
  test('nothing strikes without a fault that waits, nor after the calm', () => {
    const storm = createStorm(createRandom(7), () => 0);
    expect(storm.decide(call('/cronjobs/a'))).toEqual({ kind: 'forward' });
    for (let count = 0; count < 20; count += 1) storm.brew();
    storm.calm();
    expect(storm.decide(call('/cronjobs/a'))).toEqual({ kind: 'forward' });
    expect(storm.struck.size).toBe(0);
  });
});
