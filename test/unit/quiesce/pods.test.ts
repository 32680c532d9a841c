import { dumpTask, taskVariable } from '../../../src/api/v1alpha1/task.ts';
import type { RunKind } from '../../../src/api/v1alpha1/recovery-points.ts';
import { policyView } from '../../../src/policy/views.ts';
import { runCronJob } from '../../../src/workloads/cronjob.ts';
import { testSettings } from '../../support/operator/images.ts';
import { rawPolicy, type Json } from '../../support/operator/policies.ts';
import { restrictedViolations } from '../workloads/pod-security.ts';

// What the pods of a policy with quiesce are like.

const workloads = [{ kind: 'Deployment', name: 'shop' }];

const jobOf = (kind: RunKind, spec: Json) => {
  const { metadata, spec: read, specProblem } = policyView(rawPolicy({ spec }));
  if (read === undefined) throw new Error(specProblem);
  const job = runCronJob({ metadata, spec: read }, kind, testSettings)?.spec?.jobTemplate.spec;
  const pod = job?.template.spec;
  if (job === undefined || pod === undefined || pod === null) throw new Error('no pod');
  return { job, pod, containers: [...(pod.initContainers ?? []), ...pod.containers] };
};

const tasksOf = (kind: RunKind, spec: Json) =>
  jobOf(kind, spec)
    .containers.filter(({ name }) => name !== 'ship')
    .map(({ name, env }) => ({
      name,
      quiesce: dumpTask.parse(JSON.parse(env?.find((each) => each.name === taskVariable)?.value ?? '')).quiesce?.by,
    }));

test.each([
  {
    reason: 'a local copy always dumps',
    kind: 'LocalCopy' as const,
    spec: { quiesce: { workloads } },
    expected: [{ name: 'dump', quiesce: 'Workloads' }],
  },
  {
    reason: 'a full may find a local copy, so that is looked at before workloads are stopped',
    kind: 'Full' as const,
    spec: { quiesce: { workloads } },
    expected: [
      { name: 'decide', quiesce: 'Workloads' },
      { name: 'dump', quiesce: 'Workloads' },
    ],
  },
  {
    reason: 'without scheduled local copies each full dumps',
    kind: 'Full' as const,
    spec: { quiesce: { workloads }, schedule: { localCopy: undefined } },
    expected: [{ name: 'dump', quiesce: 'Workloads' }],
  },
  {
    reason: 'read-only stops nothing before it dumps',
    kind: 'Full' as const,
    spec: { quiesce: { readOnly: {} } },
    expected: [{ name: 'dump', quiesce: 'ReadOnly' }],
  },
  {
    reason: 'nothing is asked for',
    kind: 'Full' as const,
    spec: {},
    expected: [{ name: 'dump', quiesce: undefined }],
  },
])('$reason', ({ kind, spec, expected }) => {
  expect(tasksOf(kind, spec)).toEqual(expected);
});

test('the operator’s word is a file of the dump container alone, and the pod is still restricted', () => {
  const { pod, containers } = jobOf('Full', { quiesce: { workloads } });
  const gates = containers.filter(({ volumeMounts }) => volumeMounts?.some(({ name }) => name === 'gate'));
  expect(gates.map(({ name }) => name)).toEqual(['dump']);
  expect(pod.volumes?.filter(({ name }) => name === 'gate')).toMatchObject([
    { downwardAPI: { items: [{ fieldRef: { fieldPath: "metadata.annotations['holdfast.dev/quiesced']" } }] } },
  ]);
  expect(restrictedViolations(pod)).toEqual([]);
});

test('the container that decides has no account of the source, and time of its own', () => {
  const { job, containers } = jobOf('Full', { quiesce: { workloads } });
  const [decide] = containers;
  expect(decide?.name).toBe('decide');
  expect(decide?.volumeMounts?.filter(({ name }) => name.startsWith('secret-'))).toEqual([]);
  const { job: without } = jobOf('Full', {});
  expect(Number(job.activeDeadlineSeconds) - Number(without.activeDeadlineSeconds)).toBe(4 * 3600);
});
