import { policyView } from '../../../src/policy/views.ts';
import { runCronJob } from '../../../src/workloads/cronjob.ts';
import { testSettings } from '../../support/operator/images.ts';
import { rawPolicy } from '../../support/operator/policies.ts';

test.each([
  { line: '0 1 * * *', seconds: 3600, reason: 'a late start is bounded' },
  { line: '@daily', seconds: 3600, reason: 'a descriptor is a time of day' },
  { line: '@every 24h', seconds: undefined, reason: 'with a deadline below the interval CronJob would never start it' },
])('the starting deadline of $line: $reason', ({ line, seconds }) => {
  const { metadata, spec } = policyView(rawPolicy({ spec: { schedule: { full: line } } }));
  if (spec === undefined) throw new Error('the spec cannot be read');
  const cronJob = runCronJob({ metadata, spec }, 'Full', testSettings);
  expect(cronJob?.spec?.startingDeadlineSeconds).toBe(seconds);
});
