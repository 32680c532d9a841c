import { apiVersion } from '../api/v1alpha1/backuppolicy.ts';

/** Commands that a person copies out of status, whole. */

/** In a command: the name of whoever runs it. */
export const ownName = `$(kubectl auth whoami --output jsonpath='{.status.userInfo.username}')`;

/** What a command makes. */
export interface Made {
  readonly kind: string;
  readonly namespace: string;
  /** The name begins with it. */
  readonly prefix: string;
  /** YAML lines of the spec. */
  readonly spec: readonly string[];
}

const longestPrefix = 200;

/** The command that makes an object. Pure. */
export const createCommand = ({ kind, namespace, prefix, spec }: Made): string =>
  [
    `kubectl create --namespace ${namespace} --filename - <<END`,
    `apiVersion: ${apiVersion}`,
    `kind: ${kind}`,
    `metadata: { generateName: ${prefix} }`,
    'spec:',
    ...spec.map((line) => `  ${line}`),
    'END',
  ].join('\n');

/** The beginning of the names of what belongs to an object. */
export const prefixOf = (name: string, suffix = ''): string => `${name.slice(0, longestPrefix)}-${suffix}`;
