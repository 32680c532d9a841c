import { type Admission, admissionName, bindingSpec, restoreAdmissions } from '../../../../src/admission/objects.ts';
import type { KubeObject } from '../../../../src/kube/types.ts';
import { type FoundAdmission, judgeAdmission, marginMs } from '../../../../src/restore/confirmation/admission-state.ts';

const admission: Admission = {
  name: 'holdfast',
  accounts: {
    operator: 'system:serviceaccount:holdfast-system:holdfast',
    requesters: [],
    confirmers: ['system:serviceaccount:ops:duty'],
  },
};

const written = (time: string, ...fields: string[]): object => ({
  manager: 'helm',
  operation: 'Apply',
  time,
  fieldsV1: Object.fromEntries(fields.map((field) => [field, {}])),
});

const object = (kind: string, name: string, spec: object): KubeObject => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind,
  metadata: {
    name,
    creationTimestamp: '2026-11-24T08:00:00Z',
    managedFields: [written('2026-11-24T08:00:00Z', 'f:metadata', 'f:spec')],
  },
  spec,
});

// As an API server of Kubernetes 1.35 holds it.
const defaulted = (spec: ReturnType<typeof restoreAdmissions>['requests']): object => ({
  ...spec,
  matchConstraints: {
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    resourceRules: spec.matchConstraints.resourceRules.map((rule) => ({ ...rule, scope: '*' })),
  },
});

const installed = (): FoundAdmission[] =>
  Object.entries(restoreAdmissions(admission.accounts)).map(([what, expected]) => {
    const name = admissionName(admission.name, what);
    return {
      name,
      expected,
      policy: object('ValidatingAdmissionPolicy', name, defaulted(expected)),
      binding: object('ValidatingAdmissionPolicyBinding', name, bindingSpec(name)),
    };
  });

/** What is installed, with one object of one policy changed. */
const changed = (
  which: 'policy' | 'binding',
  change: (found: KubeObject) => KubeObject | undefined,
): FoundAdmission[] => {
  const [first, second, ...rest] = installed();
  if (first === undefined || second === undefined) throw new Error('there are three');
  const found = second[which];
  return [first, { ...second, [which]: found === undefined ? undefined : change(found) }, ...rest];
};

const withSpec =
  (changes: Record<string, unknown>) =>
  (found: KubeObject): KubeObject => ({ ...found, spec: { ...(found['spec'] as object), ...changes } });
const withMetadata =
  (changes: Record<string, unknown>) =>
  (found: KubeObject): KubeObject => ({ ...found, metadata: { ...found.metadata, ...changes } });
const constraints = (changes: Record<string, unknown>) => (found: KubeObject) => {
  const { matchConstraints } = found['spec'] as { matchConstraints: object };
  return withSpec({ matchConstraints: { ...matchConstraints, ...changes } })(found);
};
const validations = (change: (all: readonly Record<string, unknown>[]) => unknown) => (found: KubeObject) =>
  withSpec({ validations: change((found['spec'] as { validations: Record<string, unknown>[] }).validations) })(found);
const variables = (change: (all: readonly Record<string, unknown>[]) => unknown) => (found: KubeObject) =>
  withSpec({ variables: change((found['spec'] as { variables: Record<string, unknown>[] }).variables) })(found);

test('as it was installed it counts from a moment after it was made', () => {
  const inForceSince = new Date(Date.parse('2026-11-24T08:00:00Z') + marginMs);
  expect(judgeAdmission(installed())).toEqual({ inForceSince });
});

const later: { which: 'policy' | 'binding'; change: (found: KubeObject) => KubeObject; reason: string }[] = [
  {
    which: 'policy',
    change: withMetadata({ creationTimestamp: '2026-11-24T09:00:00Z' }),
    reason: 'it was deleted and made again',
  },
  {
    which: 'policy',
    change: withMetadata({
      managedFields: [
        written('2026-11-24T09:00:00Z', 'f:spec'),
        written('2026-11-24T08:00:00Z', 'f:metadata', 'f:spec'),
      ],
    }),
    reason: 'somebody wrote its spec, which may have been another in between',
  },
  {
    which: 'binding',
    change: withMetadata({ managedFields: [written('2026-11-24T09:00:00Z', 'f:spec')] }),
    reason: 'so for its binding',
  },
];

test.each(later)('what changed later counts from then: $reason', ({ which, change }) => {
  const inForceSince = new Date(Date.parse('2026-11-24T09:00:00Z') + marginMs);
  expect(judgeAdmission(changed(which, change))).toEqual({ inForceSince });
});

test('who labels it, and what the API server writes into its status, changes nothing', () => {
  const touched = changed('policy', (found) =>
    withMetadata({
      managedFields: [
        ...(found.metadata['managedFields'] as object[]),
        written('2026-11-24T10:00:00Z', 'f:metadata'),
        { ...written('2026-11-24T10:00:00Z', 'f:status'), subresource: 'status' },
      ],
    })(found),
  );
  expect(judgeAdmission(touched)).toEqual(judgeAdmission(installed()));
});

const worthless: {
  which: 'policy' | 'binding';
  change: (found: KubeObject) => KubeObject | undefined;
  says: string;
  reason: string;
}[] = [
  { which: 'policy', change: () => undefined, says: 'there is no ValidatingAdmissionPolicy h', reason: 'no policy' },
  {
    which: 'binding',
    change: () => undefined,
    says: 'there is no ValidatingAdmissionPolicyBinding',
    reason: 'no binding',
  },
  {
    which: 'policy',
    change: withMetadata({ deletionTimestamp: '2026-11-24T09:00:00Z' }),
    says: 'being deleted',
    reason: 'on its way out',
  },
  {
    which: 'binding',
    change: withMetadata({ deletionTimestamp: '2026-11-24T09:00:00Z' }),
    says: 'being deleted',
    reason: 'its binding on its way out',
  },
  { which: 'policy', change: withSpec({ failurePolicy: 'Ignore' }), says: 'failurePolicy', reason: 'fails open' },
  {
    which: 'policy',
    change: withSpec({ matchConditions: [{ name: 'not-me', expression: `request.userInfo.username != 'eve'` }] }),
    says: 'matchConditions',
    reason: 'an exception for somebody',
  },
  {
    which: 'policy',
    change: withSpec({ paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } }),
    says: 'paramKind',
    reason: 'depends on something else',
  },
  {
    which: 'policy',
    change: constraints({ namespaceSelector: { matchLabels: { guarded: 'yes' } } }),
    says: 'namespaceSelector',
    reason: 'some namespaces only',
  },
  {
    which: 'policy',
    change: constraints({ objectSelector: { matchLabels: { guarded: 'yes' } } }),
    says: 'objectSelector',
    reason: 'some objects only',
  },
  {
    which: 'policy',
    change: constraints({
      excludeResourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['CREATE'], resources: ['*'] }],
    }),
    says: 'excludeResourceRules',
    reason: 'everything is an exception',
  },
  { which: 'policy', change: constraints({ matchPolicy: 'Exact' }), says: 'matchPolicy', reason: 'one version only' },
  {
    which: 'policy',
    change: constraints({
      resourceRules: [
        {
          apiGroups: ['holdfast.dev'],
          apiVersions: ['v1alpha1'],
          operations: ['UPDATE'],
          resources: ['restoreconfirmations'],
          scope: '*',
        },
      ],
    }),
    says: 'operations',
    reason: 'what is created is not looked at',
  },
  { which: 'policy', change: validations((all) => all.slice(1)), says: 'validations', reason: 'a rule is missing' },
  { which: 'policy', change: validations(() => []), says: 'validations', reason: 'no rules' },
  {
    which: 'policy',
    change: validations((all) => all.map((rule, index) => (index === 0 ? { ...rule, expression: 'true' } : rule))),
    says: 'validations.0.expression',
    reason: 'a rule that holds always',
  },
  {
    which: 'policy',
    change: variables((all) => all.map((each) => (each['name'] === 'counts' ? { ...each, expression: 'true' } : each))),
    says: 'variables',
    reason: 'a variable that a rule goes by',
  },
  {
    which: 'policy',
    change: variables((all) =>
      all.map((each) =>
        each['name'] === 'listed' ? { ...each, expression: `['system:serviceaccount:evil:bot']` } : each,
      ),
    ),
    says: 'variables',
    reason: 'other service accounts than the operator knows of',
  },
  { which: 'binding', change: withSpec({ validationActions: ['Audit'] }), says: 'Deny', reason: 'only noted' },
  { which: 'binding', change: withSpec({ validationActions: ['Warn', 'Audit'] }), says: 'Deny', reason: 'only warned' },
  { which: 'binding', change: withSpec({ validationActions: [] }), says: 'Deny', reason: 'nothing is done' },
  { which: 'binding', change: withSpec({ policyName: 'another' }), says: 'policyName', reason: 'of another policy' },
  {
    which: 'binding',
    change: withSpec({ matchResources: { namespaceSelector: { matchLabels: { guarded: 'yes' } } } }),
    says: 'makes exceptions',
    reason: 'some namespaces only',
  },
  {
    which: 'binding',
    change: withSpec({ paramRef: { name: 'p', parameterNotFoundAction: 'Allow' } }),
    says: 'paramRef',
    reason: 'depends on something else',
  },
  {
    which: 'policy',
    change: withMetadata({ managedFields: [] }),
    says: 'cannot be told',
    reason: 'who wrote it was wiped out',
  },
  {
    which: 'binding',
    change: withMetadata({ managedFields: [written('2026-11-24T10:00:00Z', 'f:metadata')] }),
    says: 'cannot be told',
    reason: 'who wrote its spec was wiped out, and somebody labelled it',
  },
  {
    which: 'policy',
    change: withMetadata({ managedFields: [{ fieldsV1: { 'f:spec': {} } }] }),
    says: 'cannot be told',
    reason: 'no time',
  },
];

test.each(worthless)('a $which that is worth nothing: $reason', ({ which, change, says }) => {
  const state = judgeAdmission(changed(which, change));
  expect(state).toEqual({ problem: expect.stringContaining(says) });
  expect(state).toEqual({ problem: expect.stringMatching(/nstall the chart (of this version|again)/) });
});

test('a binding may do more than refuse', () => {
  const found = changed('binding', withSpec({ validationActions: ['Deny', 'Audit'], matchResources: {} }));
  expect(judgeAdmission(found)).toEqual(judgeAdmission(installed()));
});

test('nothing found is nothing proven', () => {
  expect(judgeAdmission([])).toEqual({ problem: expect.any(String) });
});
