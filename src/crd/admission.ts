import { admissionName, bindingSpec, restoreAdmissionNames, restoreAdmissions } from '../admission/objects.ts';
import type { AdmissionSpec } from '../admission/rule.ts';
import { secretsAdmission } from '../admission/secrets.ts';
import { restoreWorkloadsAdmission, workloadsAdmission } from '../admission/workloads.ts';
import { block, templateWhen } from './helm.ts';
import type { Output } from './output.ts';

const labels = `  labels:
    {{- include "holdfast.labels" . | nindent 4 }}`;

// What only the release knows stands for itself until the spec is YAML, since helm's text would be printed as it is.
const placeholders = [
  { stands: '<operator>', quoted: '<operator>', template: '{{ include "holdfast.operatorAccount" . }}' },
  {
    stands: '<requesters>',
    quoted: `'<requesters>'`,
    template: '{{ include "holdfast.celList" .Values.admission.restoreServiceAccounts }}',
  },
  {
    stands: '<confirmers>',
    quoted: `'<confirmers>'`,
    template: '{{ include "holdfast.celList" .Values.admission.confirmServiceAccounts }}',
  },
] as const;

const filledIn = (text: string): string =>
  placeholders.reduce((filled, { quoted, template }) => filled.replaceAll(quoted, template), text);

const template = (what: string, spec: AdmissionSpec): string => {
  const name = admissionName('{{ include "holdfast.fullname" . }}', what);
  return templateWhen(
    'admission.enabled',
    `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: ${name}
${labels}
spec:
${filledIn(block(spec, 2))}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: ${name}
${labels}
spec:
  policyName: ${name}
  validationActions: [${bindingSpec(name).validationActions.join(', ')}]`,
  );
};

/** Every admission policy of Holdfast with its binding, a template of the chart each. */
export const admissionOutputs = (): Output[] => {
  const [operator, requesters, confirmers] = placeholders;
  const restore = restoreAdmissions({
    operator: operator.stands,
    requesters: [requesters.stands],
    confirmers: [confirmers.stands],
  });
  const all: [what: string, spec: AdmissionSpec][] = [
    ['secrets', secretsAdmission()],
    ['workloads', workloadsAdmission()],
    ['restore-workloads', restoreWorkloadsAdmission()],
    ...restoreAdmissionNames.map((what): [string, AdmissionSpec] => [what, restore[what]]),
  ];
  return all.map(([what, spec]) => ({
    path: `charts/holdfast/templates/admission/${what}.yaml`,
    content: template(what, spec),
  }));
};
