import { restoreRequestNames } from '../api/v1alpha1/restorerequest.ts';
import { type Accounts, operatorVariable } from './accounts.ts';
import { about, type AdmissionSpec } from './rule.ts';

/** The spec of the ValidatingAdmissionPolicy about the status of RestoreRequests: who may write it could show another plan than is carried out. */
export const restoreStatusAdmission = (accounts: Pick<Accounts, 'operator'>): AdmissionSpec => ({
  ...about(`${restoreRequestNames.plural}/status`, ['UPDATE']),
  variables: [operatorVariable(accounts)],
  validations: [
    {
      expression: 'request.userInfo.username == variables.operator',
      reason: 'Forbidden',
      message: 'status: only the operator writes it, for it shows the plan that is confirmed',
      messageExpression: `'status: only the operator ("' + variables.operator + '") writes it, for it shows the plan that is confirmed; you are "' + request.userInfo.username + '".'`,
    },
  ],
});
