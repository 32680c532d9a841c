import { type Admission, admissionName, bindingSpec, restoreAdmissions } from '../../admission/objects.ts';
import type { KubeClient } from '../../kube/client.ts';
import { firstDifference } from '../../kube/compare.ts';
import { isApiError } from '../../kube/errors.ts';
import { getObject } from '../../kube/objects.ts';
import { isRecord, type KubeObject, type ResourceType } from '../../kube/types.ts';

/** Since when whatever was created was created under the admission policies, or why nobody can tell. */
export type AdmissionState = { readonly inForceSince: Date } | { readonly problem: string };

/** An admission policy and its binding as the API server holds them, beside what they should say. */
export interface FoundAdmission {
  readonly name: string;
  readonly expected: object;
  readonly policy: KubeObject | undefined;
  readonly binding: KubeObject | undefined;
}

/**
 * An API server takes a second to know of a policy that was written, and several of them need not have the same second. So what was created
 * this soon after does not count either.
 */
export const marginMs = 5000;

const policyType = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  namespaced: false,
} as const satisfies ResourceType;
const bindingType = {
  ...policyType,
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
} as const satisfies ResourceType;

const voids = 'requests and confirmations that were made before do not count, so make them anew.';
const advice = `Install the chart of this version with admission.enabled; ${voids}`;

// What the API server writes into a spec that leaves it out, and what it leaves out of one that says it.
const defaults: Readonly<Record<string, (value: unknown) => boolean>> = {
  matchPolicy: (value) => value === 'Equivalent',
  scope: (value) => value === '*',
  namespaceSelector: (value) => isRecord(value) && Object.keys(value).length === 0,
  objectSelector: (value) => isRecord(value) && Object.keys(value).length === 0,
};

const withoutDefaults = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutDefaults);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, inner]) => defaults[name]?.(inner) !== true)
      .map(([name, inner]) => [name, withoutDefaults(inner)]),
  );
};

// Both ways: a field that the server has and that is not expected could be an exception from the rule.
const differenceOf = (expected: unknown, found: unknown): string | undefined => {
  const plain = withoutDefaults(found);
  return firstDifference(expected, plain) ?? firstDifference(plain, expected);
};

/** When the spec of an object was last written, as far as the API server keeps it. Undefined: it does not. */
const lastWritten = ({ metadata }: KubeObject): Date | undefined => {
  const fields = metadata['managedFields'];
  const entries = (Array.isArray(fields) ? fields : []).filter(isRecord);
  const writes = entries.filter(({ fieldsV1 }) => isRecord(fieldsV1) && 'f:spec' in fieldsV1).map(({ time }) => time);
  // Whoever empties the list of who wrote what hides a change.
  if (writes.length === 0) return undefined;
  const times = [metadata.creationTimestamp, ...writes].map((time) => Date.parse(String(time)));
  return times.some(Number.isNaN) ? undefined : new Date(Math.max(...times));
};

const bindingProblem = (name: string, { spec }: KubeObject): string | undefined => {
  const { validationActions, matchResources, ...rest } = isRecord(spec) ? spec : {};
  const expected = bindingSpec(name);
  if (!Array.isArray(validationActions) || !validationActions.includes('Deny')) {
    return `spec.validationActions of the ValidatingAdmissionPolicyBinding ${name} does not say Deny, so nothing is refused`;
  }
  const narrowed = withoutDefaults(matchResources ?? {});
  if (isRecord(narrowed) && Object.keys(narrowed).length > 0) {
    return `spec.matchResources of the ValidatingAdmissionPolicyBinding ${name} makes exceptions`;
  }
  const difference = differenceOf({ policyName: expected.policyName }, rest);
  return difference === undefined
    ? undefined
    : `spec.${difference} of the ValidatingAdmissionPolicyBinding ${name} is not as this version ships it`;
};

const problemOf = ({ name, expected, policy, binding }: FoundAdmission): string | undefined => {
  if (policy === undefined) return `there is no ValidatingAdmissionPolicy ${name}`;
  if (binding === undefined) return `there is no ValidatingAdmissionPolicyBinding ${name}`;
  const going = [policy, binding].find(({ metadata }) => metadata.deletionTimestamp !== undefined);
  if (going !== undefined) return `the ${going.kind} ${name} is being deleted`;
  const difference = differenceOf(expected, policy['spec']);
  if (difference !== undefined) {
    return `spec.${difference} of the ValidatingAdmissionPolicy ${name} is not as this version ships it`;
  }
  return bindingProblem(name, binding);
};

/** What the admission policies that were found are worth. Pure. */
export const judgeAdmission = (found: readonly FoundAdmission[]): AdmissionState => {
  const problem = found.map(problemOf).find((each) => each !== undefined);
  if (problem !== undefined) return { problem: `Nothing binds a confirmation to its author: ${problem}. ${advice}` };
  const objects = found.flatMap(({ policy, binding }) => [policy, binding]).filter((object) => object !== undefined);
  if (objects.length === 0) return { problem: `Nothing binds a confirmation to its author. ${advice}` };
  const written = objects.map((object) => ({ object, time: lastWritten(object) }));
  const untold = written.find(({ time }) => time === undefined)?.object;
  if (untold !== undefined) {
    return {
      problem: `Since when confirmations are bound to their authors cannot be told: the API server no longer knows when the ${untold.kind} ${untold.metadata.name} was written. Delete it, and install the chart again; ${voids}`,
    };
  }
  const latest = Math.max(...written.map(({ time }) => time?.getTime() ?? Number.NaN));
  return { inForceSince: new Date(latest + marginMs) };
};

interface Scope {
  readonly client: KubeClient;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the admission policies that a confirmation rests on, past every cache. Ask after the confirmations were read: what is in force now, and
 * was since before they were made, was in force all the while.
 */
export const readAdmission = async (
  { client, signal }: Scope,
  admission: Admission | undefined,
): Promise<AdmissionState> => {
  if (admission === undefined) {
    return { problem: `Nothing binds a confirmation to its author: the operator runs without admission. ${advice}` };
  }
  const read = async ([what, expected]: [string, object]): Promise<FoundAdmission> => {
    const name = admissionName(admission.name, what);
    const [policy, binding] = await Promise.all(
      [policyType, bindingType].map((type) => getObject(client, type, { name }, { signal })),
    );
    return { name, expected, policy, binding };
  };
  try {
    return judgeAdmission(await Promise.all(Object.entries(restoreAdmissions(admission.accounts)).map(read)));
  } catch (error) {
    if (!isApiError(error, 403)) throw error;
    return {
      problem: `Nothing binds a confirmation to its author, as far as can be seen: the operator may not read the admission policies. ${advice}`,
    };
  }
};
