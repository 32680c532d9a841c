import { backupPolicy, backupPolicyNames } from '../api/v1alpha1/backuppolicy.ts';
import { celString } from '../crd/convert.ts';
import { secretReferences } from '../crd/structural.ts';
import { about, type AdmissionRule, type AdmissionSpec, specIsNew, type Variable } from './rule.ts';

/*
 * Who may write a policy could have any Secret of the namespace mounted into a pod, and sent to a host of his choice. So admission asks
 * that he may read each Secret which the policy names. The same goes for who writes a request: it names Secrets of another server.
 */

const camelCase = (path: readonly string[]): string =>
  path.map((part, index) => (index === 0 ? part : `${part.charAt(0).toUpperCase()}${part.slice(1)}`)).join('');

const nameAt = ([first = '', ...rest]: readonly string[]): string =>
  `object.${first}${[...rest, 'name'].map((part) => `.?${part}`).join('')}.orValue('')`;

const variableOf = (path: readonly string[]): Variable => ({
  name: camelCase(path.slice(1)),
  expression: nameAt(path),
});

// One rule a reference: the API server prices each check at 350,000 and allows 1,000,000 an expression.
const ruleOf = (path: readonly string[], what: string): AdmissionRule => {
  const name = `variables.${variableOf(path).name}`;
  const field = path.join('.');
  return {
    expression: `${name} == '' || authorizer.group('').resource('secrets').namespace(request.namespace).name(${name}).check('get').allowed()`,
    reason: 'Forbidden',
    message: `${field}: you may not get the Secret it names, so no ${what} of yours may use it`,
    messageExpression: `${celString(`${field}: you may not get the Secret "`)} + ${name} + '" in the namespace "' + request.namespace + '", so no ${what} of yours may use it. Ask for that right, or have the ${what} applied by somebody who has it.'`,
  };
};

/** Variables and rules for the references to Secrets of a resource, which is called `what` in the messages. */
export const secretRules = (
  paths: readonly string[][],
  what: string,
): { variables: Variable[]; validations: AdmissionRule[] } => ({
  variables: paths.map(variableOf),
  validations: paths.map((path) => ruleOf(path, what)),
});

/** The ValidatingAdmissionPolicy's spec: every reference to a Secret in the schema of BackupPolicy is in it. */
export const secretsAdmission = (paths: readonly string[][] = secretReferences(backupPolicy)): AdmissionSpec => ({
  ...about(backupPolicyNames.plural),
  matchConditions: [specIsNew],
  ...secretRules(paths, 'policy'),
});
