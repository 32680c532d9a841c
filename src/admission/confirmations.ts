import { group } from '../api/v1alpha1/backuppolicy.ts';
import { restoreConfirmationNames } from '../api/v1alpha1/restoreconfirmation.ts';
import { restoreRequestNames } from '../api/v1alpha1/restorerequest.ts';
import { type Accounts, callerRule, callerVariables } from './accounts.ts';
import { about, type AdmissionRule, type AdmissionSpec, type Variable } from './rule.ts';

/** The verb on a RestoreRequest that its confirmer must have. */
export const confirmVerb = 'confirm';

const foreignGroups: Variable = {
  name: 'foreign',
  expression: 'object.spec.?groups.orValue([]).filter(name, !(name in request.userInfo.?groups.orValue([])))',
};

const rules: AdmissionRule[] = [
  {
    expression: `request.operation != 'CREATE' || object.spec.confirmedBy == variables.user`,
    reason: 'Forbidden',
    message: 'spec.confirmedBy: write your own user name, as kubectl auth whoami shows it',
    messageExpression: `'spec.confirmedBy: it says "' + object.spec.confirmedBy + '", and you are "' + variables.user + '": a confirmation is the word of who makes it. Write your own user name.'`,
  },
  {
    expression: `request.operation != 'CREATE' || variables.foreign.size() == 0`,
    reason: 'Forbidden',
    message: 'spec.groups: name only groups that you are in, as kubectl auth whoami shows them',
    messageExpression: `'spec.groups: you are not in ' + variables.foreign.join(', ') + '. Name only groups that you are in, as kubectl auth whoami shows them.'`,
  },
  callerRule({
    unless: `request.operation != 'CREATE'`,
    may: 'confirm a restore',
    value: 'admission.confirmServiceAccounts',
  }),
  {
    expression: `request.operation != 'CREATE' || authorizer.group('${group}').resource('${restoreRequestNames.plural}').namespace(request.namespace).name(object.spec.request.name).check('${confirmVerb}').allowed()`,
    reason: 'Forbidden',
    message: `you may not ${confirmVerb} this RestoreRequest`,
    messageExpression: `'You may not ${confirmVerb} the RestoreRequest "' + object.spec.request.name + '" in the namespace "' + request.namespace + '". Ask for that right (the ClusterRole of the chart that ends in -restore-confirm), or have it confirmed by somebody who has it.'`,
  },
  {
    expression: `request.operation != 'UPDATE' || object.spec == oldObject.spec`,
    reason: 'Forbidden',
    message: 'spec: a confirmation cannot be changed. Make another one',
    messageExpression: `'spec: the confirmation "' + object.metadata.name + '" cannot be changed, for it is the word of who made it. Make another one.'`,
  },
];

/** The spec of the ValidatingAdmissionPolicy about RestoreConfirmations: each is the word of its author, who may confirm, and stays what it was. */
export const confirmationsAdmission = (accounts: Pick<Accounts, 'operator' | 'confirmers'>): AdmissionSpec => ({
  ...about(restoreConfirmationNames.plural),
  variables: [...callerVariables(accounts, accounts.confirmers), foreignGroups],
  validations: rules,
});
