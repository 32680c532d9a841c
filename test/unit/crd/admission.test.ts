import { z } from 'zod';
import { backupPolicy } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { restoreRequest } from '../../../src/api/v1alpha1/restorerequest.ts';
import { confirmationsAdmission } from '../../../src/admission/confirmations.ts';
import { requestsAdmission } from '../../../src/admission/requests.ts';
import { secretsAdmission } from '../../../src/admission/secrets.ts';
import { admissionOutputs } from '../../../src/crd/admission.ts';
import { isNode } from '../../../src/crd/convert.ts';
import { secretReferences } from '../../../src/crd/structural.ts';

/** Every field whose description speaks of a Secret and that is an object with a name. */
const describedAsSecrets = (node: unknown, path: string[] = []): string[] => {
  if (!isNode(node) || !isNode(node['properties'])) return [];
  const below = Object.entries(node['properties']).flatMap(([name, child]) =>
    describedAsSecrets(child, [...path, name]),
  );
  const own = 'name' in node['properties'] && String(node['description']).includes('Secret') ? [path.join('.')] : [];
  return [...own, ...below];
};

test.each([
  {
    schema: backupPolicy,
    some: ['spec.repository.rsync.sshSecretRef', 'spec.encryption.gpg.privateKeySecretRef'],
    reason: 'a policy',
  },
  {
    schema: restoreRequest,
    some: [
      'spec.destination.server.mysql.credentialsSecretRef',
      'spec.destination.server.mysql.tls.caSecretRef',
      'spec.destination.server.influxdb.credentialsSecretRef',
    ],
    reason: 'a request',
  },
])('every field that names a Secret is checked, and there are some: $reason', ({ schema, some }) => {
  const json = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline' });
  const checked = secretReferences(schema).map((path) => path.join('.'));
  expect(checked.toSorted()).toEqual(describedAsSecrets(json).toSorted());
  expect(checked).toEqual(expect.arrayContaining(some));
});

const accounts = {
  operator: 'system:serviceaccount:holdfast-system:holdfast',
  requesters: [],
  confirmers: ['system:serviceaccount:ops:duty', 'system:serviceaccount:ops:night'],
};

test('a request asks for each of its Secrets, when it is made and not when it is cancelled', () => {
  const asked = requestsAdmission(accounts).validations.filter(({ message }) =>
    message.includes('the Secret it names'),
  );
  expect(asked).toHaveLength(secretReferences(restoreRequest).length);
  for (const { expression } of asked) expect(expression).toMatch(/^request\.operation != 'CREATE' \|\| variables\./);
});

test('what a release knows is in the chart as text for helm, and in the operator as it is', () => {
  const { content = '' } = admissionOutputs().find(({ path }) => path.endsWith('/confirmations.yaml')) ?? {};
  expect(content).toContain(`{{ include "holdfast.celList" .Values.admission.confirmServiceAccounts }}`);
  expect(content).toContain(`'{{ include "holdfast.operatorAccount" . }}'`);
  for (const { content: text } of admissionOutputs()) expect(text).not.toMatch(/<(operator|requesters|confirmers)>/);
  const { variables } = confirmationsAdmission(accounts);
  expect(variables.slice(0, 2)).toEqual([
    { name: 'operator', expression: `'system:serviceaccount:holdfast-system:holdfast'` },
    { name: 'listed', expression: `['system:serviceaccount:ops:duty', 'system:serviceaccount:ops:night']` },
  ]);
});

test('a rule asks for one Secret, optional all the way down, and says which field', () => {
  const { variables, validations } = secretsAdmission([['spec', 'repository', 'rsync', 'sshSecretRef']]);
  expect(variables).toEqual([
    {
      name: 'repositoryRsyncSshSecretRef',
      expression: `object.spec.?repository.?rsync.?sshSecretRef.?name.orValue('')`,
    },
  ]);
  expect(validations).toEqual([
    expect.objectContaining({
      reason: 'Forbidden',
      expression: `variables.repositoryRsyncSshSecretRef == '' || authorizer.group('').resource('secrets').namespace(request.namespace).name(variables.repositoryRsyncSshSecretRef).check('get').allowed()`,
      messageExpression: expect.stringContaining('spec.repository.rsync.sshSecretRef: you may not get the Secret'),
    }),
  ]);
});

test('an API server that fails to judge refuses', () => {
  expect(secretsAdmission().failurePolicy).toBe('Fail');
});
