import { join } from 'node:path';
import type { ControlPlane } from '../../cluster/control-plane.ts';
import { projectRoot } from '../../cluster/paths.ts';

export const chart = join(projectRoot, 'charts/holdfast');
export const manifests = join(projectRoot, 'manifests');
export const namespace = 'holdfast-system';

/** The operator's account, as `--as` takes it. */
export const operator = `system:serviceaccount:${namespace}:holdfast`;

/** Installs the chart; `--wait` is not given, since no kubelet runs here. */
export const installChart = (plane: ControlPlane, ...more: string[]): Promise<string> =>
  plane.helm(['install', 'holdfast', chart, '--namespace', namespace, '--create-namespace', ...more]);

/** What a command was refused with. @throws {Error} when it went through */
export const refusalOf = async (command: Promise<string>): Promise<string> => {
  const outcome = await command.then(
    (output) => ({ output }),
    (error: unknown) => ({ error }),
  );
  if ('output' in outcome) throw new Error(`went through: ${outcome.output.slice(0, 500)}`);
  return outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
};

export interface Right {
  verb: string;
  resource: string;
  /** Left out: the namespace agama. */
  where?: string;
  name?: string;
}

/** Whether a user has a right: what `kubectl auth can-i --as` asks, with an answer that cannot be mistaken. */
export const mayDo = async (
  plane: ControlPlane,
  user: string,
  { verb, resource, where = 'agama', name }: Right,
): Promise<boolean> => {
  const [type = '', subresource] = resource.split('/');
  const [plural, ...group] = type.split('.');
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: {
      resourceAttributes: { verb, group: group.join('.'), resource: plural, subresource, namespace: where, name },
    },
  };
  const answer = await plane.kubectl(
    ['create', '--filename', '-', '--as', user, '--validate=false', '--output', 'jsonpath={.status.allowed}'],
    { input: JSON.stringify(review) },
  );
  if (answer !== 'true' && answer !== 'false') throw new Error(`not an answer to an access review: ${answer}`);
  return answer === 'true';
};
