import { immutableRequestFields, restoreRequest, restoreRequestNames } from '../api/v1alpha1/restorerequest.ts';
import { secretReferences } from '../crd/structural.ts';
import { type Accounts, callerRule, callerVariables } from './accounts.ts';
import { about, type AdmissionRule, type AdmissionSpec } from './rule.ts';
import { secretRules } from './secrets.ts';

/*
 * Who asks for a restore. TwoPersons rests on `requestedBy`, so it has to be the caller's own name. `cancel` and `externalStopped` are words of
 * people as well: whoever RBAC lets patch the request may say them, but for programs; a wrong externalStopped would have data replaced
 * below what still writes.
 */

const requestedBy: AdmissionRule = {
  expression: `request.operation != 'CREATE' || object.spec.requestedBy == variables.user`,
  reason: 'Forbidden',
  message: 'spec.requestedBy: write your own user name, as kubectl auth whoami shows it',
  messageExpression: `'spec.requestedBy: it says "' + object.spec.requestedBy + '", and you are "' + variables.user + '": a request says who asks. Write your own user name.'`,
};

const same = (field: string): string =>
  `has(object.spec.${field}) == has(oldObject.spec.${field}) && (!has(object.spec.${field}) || object.spec.${field} == oldObject.spec.${field})`;

// The CRD asks the same; here it does so again, for whatever CRD is installed.
const immutable: AdmissionRule = {
  expression: `request.operation != 'UPDATE' || (${immutableRequestFields.map(same).join(' && ')})`,
  reason: 'Forbidden',
  message: 'spec: nothing of a request changes but cancel and externalStopped. Make another request',
  messageExpression: `'spec: nothing of the request "' + object.metadata.name + '" changes but cancel and externalStopped, for what is confirmed is what was asked for. Make another request.'`,
};

const isNew = (rule: AdmissionRule): AdmissionRule => ({
  ...rule,
  expression: `request.operation != 'CREATE' || ${rule.expression}`,
});

/** The spec of the ValidatingAdmissionPolicy about RestoreRequests. */
export const requestsAdmission = (accounts: Pick<Accounts, 'operator' | 'requesters'>): AdmissionSpec => {
  const secrets = secretRules(secretReferences(restoreRequest), 'request');
  return {
    ...about(restoreRequestNames.plural),
    variables: [...callerVariables(accounts, accounts.requesters), ...secrets.variables],
    validations: [
      requestedBy,
      callerRule({
        unless: `(request.operation == 'UPDATE' && object.spec == oldObject.spec)`,
        may: 'ask for a restore, cancel one or say externalStopped',
        value: 'admission.restoreServiceAccounts',
      }),
      immutable,
      // Who cancels a request names no Secret.
      ...secrets.validations.map(isNew),
    ],
  };
};
