import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { parse, stringify } from 'yaml';
import type { Cluster } from '../cluster/cluster.ts';
import { applyObjects, type Manifest } from './objects.ts';

/** People who ask for restores and confirm them, by kubectl and in their own names. */
export type Person = 'alice' | 'bob';

const bind = (namespace: string, user: Person, role: string, kind: 'Role' | 'ClusterRole'): Manifest => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { namespace, name: `${user}-${role}` },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: role },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
});

/** alice may ask and confirm, bob may confirm. */
export const givePeopleRights = ({ kubectl }: Cluster, namespace: string): Promise<void> =>
  applyObjects(kubectl, [
    bind(namespace, 'alice', 'holdfast-restore-request', 'ClusterRole'),
    bind(namespace, 'alice', 'holdfast-restore-confirm', 'ClusterRole'),
    bind(namespace, 'bob', 'holdfast-restore-confirm', 'ClusterRole'),
  ]);

/** Lets a person get one Secret. */
export const giveSecret = (
  { kubectl }: Cluster,
  person: Person,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<void> =>
  applyObjects(kubectl, [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { namespace, name },
      rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: [name], verbs: ['get'] }],
    },
    bind(namespace, person, name, 'Role'),
  ]);

/** Runs what somebody pastes into a shell whose kubectl acts in that person's name. Gives what it printed. */
export const inShellOf = async ({ kubeconfig, kubectl }: Cluster, person: Person, script: string): Promise<string> => {
  const home = await mkdtemp(join(tmpdir(), 'holdfast-person-'));
  try {
    const config = parse(await readFile(kubeconfig, 'utf8')) as { users?: { user: Record<string, unknown> }[] };
    for (const { user } of config.users ?? []) user['as'] = person;
    const own = join(home, 'kubeconfig');
    await writeFile(own, stringify(config), { mode: 0o600 });
    const { stdout } = await execa('bash', ['-euo', 'pipefail', '-c', script], {
      env: { HOME: home, KUBECONFIG: own, PATH: `${dirname(kubectl.program)}:${process.env['PATH'] ?? ''}` },
      extendEnv: false,
      stdin: 'ignore',
      timeout: 60_000,
    });
    return stdout;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
};
