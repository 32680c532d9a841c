import { backupPolicy, backupPolicyNames, group, version } from '../api/v1alpha1/backuppolicy.ts';
import { maxQuiesceWorkloads } from '../api/v1alpha1/later.ts';
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

const matching = {
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
};

/** The ValidatingAdmissionPolicy's spec: every reference to a Secret in the schema of BackupPolicy is in it. */
export const secretsAdmission = (paths: readonly string[][] = secretReferences(backupPolicy)) => ({
  ...matching,
  variables: paths.map(variableOf),
  validations: paths.map(ruleOf),
});

// As with Secrets, one rule an element: each check is priced by itself.
const workloadRule = (index: number): AdmissionRule => {
  const workload = `variables.workloads[${index}]`;
  const field = `spec.quiesce.workloads[${index}]`;
  const groupOf = `${workload}.kind == 'CronJob' ? 'batch' : 'apps'`;
  const resource = `${workload}.kind == 'CronJob' ? 'cronjobs' : ${workload}.kind == 'StatefulSet' ? 'statefulsets' : 'deployments'`;
  return {
    expression: `variables.workloads.size() <= ${index} || authorizer.group(${groupOf}).resource(${resource}).namespace(request.namespace).name(${workload}.name).check('patch').allowed()`,
    reason: 'Forbidden',
    message: `${field}: you may not patch the workload it names, so no policy of yours may stop it`,
    messageExpression: `${celString(`${field}: you may not patch the `)} + ${workload}.kind + ' "' + ${workload}.name + '" in the namespace "' + request.namespace + '", so no policy of yours may stop it. Ask for that right, or have the policy applied by somebody who has it.'`,
  };
};

/** Who may write a policy could have any workload of the namespace stopped: each that it names, its author must be allowed to patch. */
export const workloadsAdmission = () => ({
  ...matching,
  variables: [{ name: 'workloads', expression: 'object.spec.?quiesce.?workloads.orValue([])' }],
  validations: Array.from({ length: maxQuiesceWorkloads }, (_, index) => workloadRule(index)),
});

const labels = `  labels:
    {{- include "holdfast.labels" . | nindent 4 }}`;

const template = (what: string, spec: object): string =>
  templateWhen(
    'admission.enabled',
    `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ include "holdfast.fullname" . }}-${what}.${group}
${labels}
spec:
${block(spec, 2)}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ include "holdfast.fullname" . }}-${what}.${group}
${labels}
spec:
  policyName: {{ include "holdfast.fullname" . }}-${what}.${group}
  validationActions: [Deny]`,
  );

/** The policy about Secrets and its binding as a template of the chart. */
export const admissionTemplate = (): string => template('secrets', secretsAdmission());

/** The one about workloads. */
export const workloadsAdmissionTemplate = (): string => template('workloads', workloadsAdmission());
