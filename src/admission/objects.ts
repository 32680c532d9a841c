import { group } from '../api/v1alpha1/backuppolicy.ts';
import type { Accounts } from './accounts.ts';
import { confirmationsAdmission } from './confirmations.ts';
import { requestsAdmission } from './requests.ts';
import { restoreStatusAdmission } from './restore-status.ts';
import type { AdmissionSpec } from './rule.ts';

/** Name of an admission policy, and of its binding. @param prefix what the release calls its objects */
export const admissionName = (prefix: string, what: string): string => `${prefix}-${what}.${group}`;

/** What the binding of a policy says: it is refused everywhere, with no exception. */
export const bindingSpec = (policyName: string) => ({ policyName, validationActions: ['Deny'] });

/** What a confirmation rests on, by the last part of the names: without each of these as it is here, none can be trusted. */
export const restoreAdmissions = (accounts: Accounts): Readonly<Record<RestoreAdmission, AdmissionSpec>> => ({
  requests: requestsAdmission(accounts),
  confirmations: confirmationsAdmission(accounts),
  'restore-status': restoreStatusAdmission(accounts),
});

export const restoreAdmissionNames = ['requests', 'confirmations', 'restore-status'] as const;
export type RestoreAdmission = (typeof restoreAdmissionNames)[number];

/** How the operator knows its admission: the prefix of the names, and the accounts that were put into them. */
export interface Admission {
  readonly name: string;
  readonly accounts: Accounts;
}
