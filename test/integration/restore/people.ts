import { KubeConfig } from '@kubernetes/client-node';
import { createClient, type KubeClient } from '../../../src/kube/client.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { createLimiter } from '../../../src/kube/limiter.ts';
import { createTransport } from '../../../src/kube/transport.ts';
import { apiOf } from '../../cluster/api.ts';
import type { ControlPlane } from '../../cluster/control-plane.ts';
import { namespace, operator } from '../chart/support.ts';

/** Who there is, and what RBAC lets them do. */

export const accountName = (where: string, name: string): string => `system:serviceaccount:${where}:${name}`;

/** Service accounts with every right on requests and confirmations; admission is what tells them apart. */
export const listedRequester = accountName('ops', 'argo');
export const listedConfirmer = accountName('ops', 'duty');
export const unlisted = accountName('ops', 'bot');

const subjectOf = (name: string): object => {
  const [, , where, account] = name.startsWith('system:serviceaccount:') ? name.split(':') : [];
  if (where !== undefined && account !== undefined) {
    return { kind: 'ServiceAccount', namespace: where, name: account };
  }
  const kind = name.startsWith('group:') ? 'Group' : 'User';
  return { kind, apiGroup: 'rbac.authorization.k8s.io', name: name.replace('group:', '') };
};

/** A binding of a ClusterRole, or of a Role in its namespace. */
export const binding = (
  name: string,
  role: string,
  subjects: readonly string[],
  where?: string,
  kind = 'ClusterRole',
) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: where === undefined ? 'ClusterRoleBinding' : 'RoleBinding',
  metadata: { name, ...(where !== undefined && { namespace: where }) },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: role },
  subjects: subjects.map(subjectOf),
});

const group = 'holdfast.dev';

const roles = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'everything-but-confirm' },
    rules: [
      {
        apiGroups: [group],
        resources: ['restorerequests', 'restorerequests/status', 'restoreconfirmations'],
        verbs: ['create', 'get', 'list', 'watch', 'update', 'patch', 'delete', 'deletecollection'],
      },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'everything' },
    rules: [
      {
        apiGroups: [group],
        resources: ['restorerequests', 'restorerequests/status', 'restoreconfirmations'],
        verbs: ['*'],
      },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'one-request', namespace: 'shop' },
    rules: [
      { apiGroups: [group], resources: ['restorerequests'], resourceNames: ['another'], verbs: ['confirm'] },
      { apiGroups: [group], resources: ['restoreconfirmations'], verbs: ['create'] },
    ],
  },
];

const bindings = [
  binding('ask', 'holdfast-restore-request', ['rita', 'dora', 'Dora']),
  binding('confirm', 'holdfast-restore-confirm', ['carl', 'dora', 'Dora', 'group:oncall']),
  binding('eve', 'everything-but-confirm', ['eve']),
  binding('accounts', 'everything', [listedRequester, listedConfirmer, unlisted]),
  binding('fred', 'one-request', ['fred'], 'shop', 'Role'),
  binding('otto', 'holdfast-restore-confirm', ['otto'], 'other'),
  // The operator with rights that nobody should give it: only admission is left there.
  binding('operator', 'everything', [operator], 'other'),
];

const object = (kind: string, name: string, where?: string) => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, ...(where !== undefined && { namespace: where }) },
});

/** Makes namespaces, accounts and rights. */
export const settle = async (plane: ControlPlane): Promise<void> => {
  const items = [
    ...['shop', 'other', 'ops'].map((name) => object('Namespace', name)),
    ...['argo', 'duty', 'bot'].map((name) => object('ServiceAccount', name, 'ops')),
    ...roles,
    ...bindings,
  ];
  await plane.kubectl(['apply', '--filename', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  });
};

const tokenClient = async (plane: ControlPlane, account: string): Promise<KubeClient> => {
  const [, , where = '', name = ''] = account.split(':');
  const token = await plane.kubectl(['create', 'token', name, '--namespace', where, '--duration', '1h']);
  const admin = new KubeConfig();
  admin.loadFromFile(plane.kubeconfig);
  const cluster = admin.getCurrentCluster();
  if (cluster === null) throw new Error('the kubeconfig names no cluster');
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [cluster],
    users: [{ name, token }],
    contexts: [{ name, user: name, cluster: cluster.name }],
    currentContext: name,
  });
  const limiter = createLimiter({ clock: systemClock, perSecond: 1000, burst: 1000, parallel: 8 });
  return createClient({ transport: createTransport(config), limiter, userAgent: 'holdfast-test' });
};

/** Everybody by name: people by a certificate of theirs, service accounts by a token. */
export interface People {
  readonly plane: ControlPlane;
  /** The administrator of the cluster. */
  readonly admin: KubeClient;
  /** Groups count when somebody is met for the first time. */
  as(name: string, groups?: readonly string[]): Promise<KubeClient>;
  close(): void;
}

export const meet = (plane: ControlPlane): People => {
  const known = new Map<string, Promise<KubeClient>>();
  const admin = apiOf(plane.kubeconfig);
  const make = async (name: string, groups: readonly string[]): Promise<KubeClient> =>
    name.startsWith('system:serviceaccount:')
      ? tokenClient(plane, name)
      : apiOf(await plane.kubeconfigFor(name, groups));
  return {
    plane,
    admin,
    as: (name, groups = []) => {
      const client = known.get(name) ?? make(name, groups);
      known.set(name, client);
      return client;
    },
    close: () => {
      admin.close();
      for (const client of known.values()) void client.then((each) => each.close());
    },
  };
};

export { namespace as operatorNamespace, operator };
