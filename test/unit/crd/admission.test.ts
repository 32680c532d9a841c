import { z } from 'zod';
import { backupPolicy } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { secretsAdmission } from '../../../src/crd/admission.ts';
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

test('every field that names a Secret is checked, and there are some', () => {
  const json = z.toJSONSchema(backupPolicy, { target: 'openapi-3.0', io: 'input', reused: 'inline' });
  const checked = secretReferences(backupPolicy).map((path) => path.join('.'));
  expect(checked.toSorted()).toEqual(describedAsSecrets(json).toSorted());
  expect(checked).toContain('spec.repository.rsync.sshSecretRef');
  expect(checked).toContain('spec.encryption.gpg.privateKeySecretRef');
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
