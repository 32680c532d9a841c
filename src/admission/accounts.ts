import type { AdmissionRule, Variable } from './rule.ts';

/** The service accounts that admission knows by name, each as `system:serviceaccount:NAMESPACE:NAME`. */
export interface Accounts {
  /** The operator's own: it alone writes status, and neither asks for a restore nor confirms one. */
  readonly operator: string;
  /** Those that may ask for a restore as if they were people. */
  readonly requesters: readonly string[];
  /** Those that may confirm one. */
  readonly confirmers: readonly string[];
}

const serviceAccountPrefix = 'system:serviceaccount:';
const anonymous = 'system:anonymous';

/** Whether a user name is that of a program, or of nobody, as far as Kubernetes tells. */
export const isNoPerson = (user: string): boolean => user.startsWith(serviceAccountPrefix) || user === anonymous;

/** The operator's account as a CEL variable, `variables.operator`. */
export const operatorVariable = ({ operator }: Pick<Accounts, 'operator'>): Variable => ({
  name: 'operator',
  expression: `'${operator}'`,
});

/** `variables.user`, and `variables.counts`: whether the caller is a person, or a service account that is listed as one. */
export const callerVariables = (accounts: Pick<Accounts, 'operator'>, listed: readonly string[]): Variable[] => [
  operatorVariable(accounts),
  { name: 'listed', expression: `[${listed.map((name) => `'${name}'`).join(', ')}]` },
  { name: 'user', expression: 'request.userInfo.username' },
  {
    name: 'counts',
    expression: `variables.user != variables.operator && (variables.user in variables.listed || !(variables.user.startsWith('${serviceAccountPrefix}') || variables.user == '${anonymous}'))`,
  },
];

/** Refuses service accounts that are not listed, the operator's own always, unless `unless` holds. */
export const callerRule = (words: { unless: string; may: string; value: string }): AdmissionRule => ({
  expression: `${words.unless} || variables.counts`,
  reason: 'Forbidden',
  message: `service accounts may not ${words.may}, unless the value ${words.value} of the chart lists them`,
  messageExpression: `'You are "' + variables.user + '": service accounts may not ${words.may}, unless the value ${words.value} of the chart lists them, and the one of the operator never. Have a person do it.'`,
});
