import { backupPolicyNames } from '../api/v1alpha1/backuppolicy.ts';
import { maxQuiesceWorkloads } from '../api/v1alpha1/later.ts';
import { maxRestoreWorkloads } from '../api/v1alpha1/restore-policy.ts';
import { celString } from '../crd/convert.ts';
import { about, type AdmissionRule, type AdmissionSpec, specIsNew } from './rule.ts';

/** Who may write a policy could have any workload of the namespace stopped: each that it names, its author must be allowed to patch. */

// As with Secrets, one rule an element: each check is priced by itself.
const workloadRule = (block: string, index: number): AdmissionRule => {
  const workload = `variables.workloads[${index}]`;
  const field = `spec.${block}.workloads[${index}]`;
  const groupOf = `${workload}.kind == 'CronJob' ? 'batch' : 'apps'`;
  const resource = `${workload}.kind == 'CronJob' ? 'cronjobs' : ${workload}.kind == 'StatefulSet' ? 'statefulsets' : 'deployments'`;
  return {
    expression: `variables.workloads.size() <= ${index} || authorizer.group(${groupOf}).resource(${resource}).namespace(request.namespace).name(${workload}.name).check('patch').allowed()`,
    reason: 'Forbidden',
    message: `${field}: you may not patch the workload it names, so no policy of yours may stop it`,
    messageExpression: `${celString(`${field}: you may not patch the `)} + ${workload}.kind + ' "' + ${workload}.name + '" in the namespace "' + request.namespace + '", so no policy of yours may stop it. Ask for that right, or have the policy applied by somebody who has it.'`,
  };
};

// One policy a block: all rules of a policy together may cost 10,000,000, and 32 checks would be more.
const workloadsOf = (block: 'quiesce' | 'restore', most: number): AdmissionSpec => ({
  ...about(backupPolicyNames.plural),
  matchConditions: [specIsNew],
  variables: [{ name: 'workloads', expression: `object.spec.?${block}.?workloads.orValue([])` }],
  validations: Array.from({ length: most }, (_, index) => workloadRule(block, index)),
});

/** Those that are stopped for a dump. */
export const workloadsAdmission = (): AdmissionSpec => workloadsOf('quiesce', maxQuiesceWorkloads);

/** Those that are at zero during a restore. */
export const restoreWorkloadsAdmission = (): AdmissionSpec => workloadsOf('restore', maxRestoreWorkloads);
