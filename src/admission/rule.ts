import { group, version } from '../api/v1alpha1/backuppolicy.ts';

/** What a ValidatingAdmissionPolicy is made of: as Holdfast writes it into its chart, and as the operator expects to find it. */

export interface Variable {
  name: string;
  expression: string;
}

export interface AdmissionRule {
  expression: string;
  reason: 'Forbidden';
  message: string;
  messageExpression: string;
}

type Operation = 'CREATE' | 'UPDATE';

/** The spec of a ValidatingAdmissionPolicy. */
export interface AdmissionSpec {
  failurePolicy: 'Fail';
  matchConstraints: {
    resourceRules: { apiGroups: string[]; apiVersions: string[]; operations: Operation[]; resources: string[] }[];
  };
  matchConditions?: { name: string; expression: string }[];
  variables: Variable[];
  validations: AdmissionRule[];
}

/** A policy about one resource of Holdfast's, or a subresource of it. An API server that fails to judge refuses. */
export const about = (
  resource: string,
  operations: Operation[] = ['CREATE', 'UPDATE'],
): Pick<AdmissionSpec, 'failurePolicy' | 'matchConstraints'> => ({
  failurePolicy: 'Fail',
  matchConstraints: {
    resourceRules: [{ apiGroups: [group], apiVersions: [version], operations, resources: [resource] }],
  },
});

/** Labels, annotations and finalizers are for controllers; but every change of the spec can send a Secret elsewhere. */
export const specIsNew = {
  name: 'spec-is-new',
  expression: `request.operation == 'CREATE' || object.spec != oldObject.spec`,
};
