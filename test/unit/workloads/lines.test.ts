import * as fc from 'fast-check';
import { dumpTask, taskVariable } from '../../../src/api/v1alpha1/task.ts';
import { runKinds } from '../../../src/api/v1alpha1/recovery-points.ts';
import { nextTime } from '../../../src/cron/next.ts';
import { parseCron } from '../../../src/cron/parse.ts';
import { createZones } from '../../../src/cron/zones.ts';
import { timestamp } from '../../../src/base/times.ts';
import { nextRuns } from '../../../src/policy/next-runs.ts';
import { policyView } from '../../../src/policy/views.ts';
import { runCronJob } from '../../../src/workloads/cronjob.ts';
import { cronLineOf, scheduleField } from '../../../src/workloads/lines.ts';
import { testSettings } from '../../support/operator/images.ts';
import { rawPolicy, type Json } from '../../support/operator/policies.ts';
import { now } from '../../support/operator/runs.ts';

const zones = createZones();

const policyWith = (schedule: Json, name = 'agama', namespace = 'shop') => {
  const { metadata, spec } = policyView(rawPolicy({ name, namespace, spec: { schedule } }));
  if (spec === undefined) throw new Error('the spec cannot be read');
  return { metadata, spec };
};

const hashedLines = {
  localCopy: 'H(0-9) 1 * * *',
  full: 'H H(2-4) * * 0',
  incremental: 'H(10-29) 1 * * 1-6',
};

const names = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}[a-z0-9]$/);

test('CronJob, the slot of local copies and the next run times read the same plain line, without H', () => {
  fc.assert(
    fc.property(names, names, (namespace, name) => {
      const policy = policyWith(hashedLines, name, namespace);
      const zone = zones(policy.spec.schedule.timeZone);
      const { nextRunTimes } = nextRuns(policy, [], zone, now);
      for (const kind of runKinds) {
        const cronJob = runCronJob(policy, kind, testSettings);
        const line = cronJob?.spec?.schedule ?? '';
        expect(line).toMatch(/^\d+ \d+ \* \* \S+$/);
        const next = nextTime(parseCron(line), zone, now);
        expect(nextRunTimes?.[scheduleField[kind]]).toBe(next === undefined ? undefined : timestamp(next));
        const pod = cronJob?.spec?.jobTemplate.spec?.template.spec;
        const dump = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])].find(({ name }) => name === 'dump');
        const task = dump?.env?.find(({ name }) => name === taskVariable)?.value ?? '';
        const { reuse } = dumpTask.parse(JSON.parse(task));
        expect(reuse?.schedule).toBe(kind === 'LocalCopy' ? undefined : cronLineOf(policy, 'LocalCopy'));
      }
    }),
    { numRuns: 50 },
  );
});

test.each(runKinds)('the times of a %s do not move when another kind or another policy comes or goes', (kind) => {
  const field = scheduleField[kind];
  const all = cronLineOf(policyWith(hashedLines), kind);
  const alone = { localCopy: undefined, full: undefined, incremental: undefined, [field]: hashedLines[field] };
  expect(cronLineOf(policyWith(alone), kind)).toBe(all);
  const changed = { ...hashedLines, localCopy: 'H * * * *', full: 'H * * * *', incremental: 'H * * * *' };
  expect(cronLineOf(policyWith({ ...changed, [field]: hashedLines[field] }), kind)).toBe(all);
  const others = Array.from({ length: 50 }, (_, index) => cronLineOf(policyWith(hashedLines, `other-${index}`), kind));
  expect(new Set(others).size).toBeGreaterThan(5);
  expect(cronLineOf(policyWith(hashedLines), kind)).toBe(all);
});

test('kinds, names and namespaces each have times of their own', () => {
  const every = { localCopy: 'H H * * *', full: 'H H * * *', incremental: 'H H * * *' };
  const lines = [
    ...runKinds.map((kind) => cronLineOf(policyWith(every), kind)),
    cronLineOf(policyWith(every, 'other'), 'Full'),
    cronLineOf(policyWith(every, 'agama', 'other'), 'Full'),
  ];
  expect(new Set(lines).size).toBe(lines.length);
});
