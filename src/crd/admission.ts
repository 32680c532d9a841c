import { backupPolicy, backupPolicyNames, group, version } from '../api/v1alpha1/backuppolicy.ts';
import { celString } from './convert.ts';
import { block, templateWhen } from './helm.ts';
import { secretReferences } from './structural.ts';

/*
 * Who may write a policy could have any Secret of the namespace mounted into a pod, and sent to a host of his choice. So admission asks
 * that he may read each Secret which the policy names.
 */

interface Variable {
  name: string;
  expression: string;
}

interface AdmissionRule {
  expression: string;
  reason: 'Forbidden';
  message: string;
  messageExpression: string;
}

const camelCase = (path: readonly string[]): string =>
  path.map((part, index) => (index === 0 ? part : `${part.charAt(0).toUpperCase()}${part.slice(1)}`)).join('');

const nameAt = ([first = '', ...rest]: readonly string[]): string =>
  `object.${first}${[...rest, 'name'].map((part) => `.?${part}`).join('')}.orValue('')`;

const variableOf = (path: readonly string[]): Variable => ({
  name: camelCase(path.slice(1)),
  expression: nameAt(path),
});

// One rule a reference: the API server prices each check at 350,000 and allows 1,000,000 an expression.
const ruleOf = (path: readonly string[]): AdmissionRule => {
  const name = `variables.${variableOf(path).name}`;
  const field = path.join('.');
  return {
    expression: `${name} == '' || authorizer.group('').resource('secrets').namespace(request.namespace).name(${name}).check('get').allowed()`,
    reason: 'Forbidden',
    message: `${field}: you may not get the Secret it names, so no policy of yours may use it`,
    messageExpression: `${celString(`${field}: you may not get the Secret "`)} + ${name} + '" in the namespace "' + request.namespace + '", so no policy of yours may use it. Ask for that right, or have the policy applied by somebody who has it.'`,
  };
};

/** The ValidatingAdmissionPolicy's spec: every reference to a Secret in the schema of BackupPolicy is in it. */
export const secretsAdmission = (paths: readonly string[][] = secretReferences(backupPolicy)) => ({
  failurePolicy: 'Fail',
  matchConstraints: {
    resourceRules: [
      {
        apiGroups: [group],
        apiVersions: [version],
        operations: ['CREATE', 'UPDATE'],
        resources: [backupPolicyNames.plural],
      },
    ],
  },
  // Labels, annotations and finalizers are for controllers; but every change of the spec can send a Secret elsewhere.
  matchConditions: [
    { name: 'spec-is-new', expression: `request.operation == 'CREATE' || object.spec != oldObject.spec` },
  ],
  variables: paths.map(variableOf),
  validations: paths.map(ruleOf),
});

const labels = `  labels:
    {{- include "holdfast.labels" . | nindent 4 }}`;

/** The policy and its binding as a template of the chart. */
export const admissionTemplate = (): string =>
  templateWhen(
    'admission.enabled',
    `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ include "holdfast.fullname" . }}-secrets.${group}
${labels}
spec:
${block(secretsAdmission(), 2)}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ include "holdfast.fullname" . }}-secrets.${group}
${labels}
spec:
  policyName: {{ include "holdfast.fullname" . }}-secrets.${group}
  validationActions: [Deny]`,
  );
