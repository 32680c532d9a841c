import * as fc from 'fast-check';
import { timestamp } from '../../../../src/base/times.ts';
import { settledBefore } from '../../../../src/agent/engines/influxdb/settled.ts';

test('points are counted up to the very moment that facts.json names, a minute before', () => {
  const now = fc.date({
    min: new Date('2000-01-01T00:00:00Z'),
    max: new Date('2100-01-01T00:00:00Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(now, (now) => {
      const settled = settledBefore(now);
      expect(new Date(timestamp(settled))).toEqual(settled);
      expect(now.getTime() - settled.getTime()).toBeGreaterThanOrEqual(60_000);
      expect(now.getTime() - settled.getTime()).toBeLessThan(61_000);
    }),
  );
});
