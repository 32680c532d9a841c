import { setTimeout as sleep } from 'node:timers/promises';
import { restoreRequestStatus, type RestoreRequestStatus } from '../../src/api/v1alpha1/restorerequest.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { applyObjects, type Manifest } from './objects.ts';
import type { PolicyName } from './runs.ts';

/** People who ask for restores and confirm them, by kubectl and in their own names. */

const apiVersion = 'holdfast.dev/v1alpha1';

const bind = (namespace: string, user: string, role: string): Manifest => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { namespace, name: `${user}-${role}` },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: `holdfast-${role}` },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
});

/** alice may ask and confirm, bob may confirm. */
export const givePeopleRights = ({ kubectl }: Cluster, namespace: string): Promise<void> =>
  applyObjects(kubectl, [
    bind(namespace, 'alice', 'restore-request'),
    bind(namespace, 'alice', 'restore-confirm'),
    bind(namespace, 'bob', 'restore-confirm'),
  ]);

type Person = 'alice' | 'bob';

export const createRestoring = ({ kubectl }: Cluster, { namespace, name: policy }: PolicyName, request: string) => {
  const inNamespace = (...args: string[]): Promise<string> => kubectl([...args, '--namespace', namespace]);
  const createAs = async (person: Person, object: Manifest): Promise<void> => {
    await kubectl(['create', '--as', person, '--filename', '-'], { input: JSON.stringify(object) });
  };
  const status = async (): Promise<RestoreRequestStatus> => {
    const object = JSON.parse(await inNamespace('get', 'rr', request, '--output', 'json')) as { status?: unknown };
    return restoreRequestStatus.parse(object.status ?? {});
  };
  return {
    status,
    /** Asks for it, as alice. */
    ask: (spec: Record<string, unknown>) =>
      createAs('alice', {
        apiVersion,
        kind: 'RestoreRequest',
        metadata: { namespace, name: request },
        spec: { policyRefs: [{ name: policy }], destination: { inPlace: {} }, requestedBy: 'alice', ...spec },
      }),
    /** Confirms the plan that status shows; `name` is whose word it is said to be. */
    async confirm(person: Person, name: string = person): Promise<void> {
      const { plan } = await status();
      const uid = await inNamespace('get', 'rr', request, '--output', 'jsonpath={.metadata.uid}');
      await createAs(person, {
        apiVersion,
        kind: 'RestoreConfirmation',
        metadata: { namespace, name: `${request}-${name}` },
        spec: {
          request: { name: request, uid },
          planHash: plan?.hash,
          confirmedBy: name,
          reason: 'I looked, and it is gone',
        },
      });
    },
    /** Waits until the request has come so far. @throws Error with its status when it ends otherwise, or the time is over */
    async phase(
      wanted: RestoreRequestStatus['phase'],
      seconds: number,
      onLook: (status: RestoreRequestStatus) => void = () => {},
    ): Promise<RestoreRequestStatus> {
      const end = performance.now() + seconds * 1000;
      for (;;) {
        const now = await status();
        onLook(now);
        if (now.phase === wanted) return now;
        if (now.completionTime !== undefined || performance.now() > end)
          throw new Error(`The request is not ${wanted}: ${JSON.stringify(now, null, 2)}`);
        await sleep(500);
      }
    },
  };
};
