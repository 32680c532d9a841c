import { influxdbApi, type InfluxdbApi } from '../agent/support/influxdb-api.ts';
import { everythingIn, prepareSample } from '../agent/support/sample-influxdb.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { application } from '../scenario/application.ts';
import { createRestoreAccount, runSql } from '../scenario/database.ts';
import type { ScenarioKeys } from '../scenario/keys.ts';
import { applyObjects } from '../scenario/objects.ts';
import { agama, agamaPolicy, ansiblePolicy, telegrafPolicy, type PolicyManifest } from '../scenario/policy.ts';
import { fillRepository, runOnGitHost } from '../scenario/repository.ts';
import {
  gitHost,
  influxdbName,
  influxdbPorts,
  startGitHost,
  startInfluxdb,
  startMariadb,
} from '../scenario/servers.ts';
import { applyPolicySecrets } from '../scenario/stage.ts';
import { forwardPort } from './port-forward.ts';
import { shopContents, shopDamage, shopDatabase } from './shop.ts';

/** One service of the SLA: what it holds can be seen, and lost. */
export interface LostService {
  readonly policy: string;
  /** What it holds, asked without any of Holdfast's code. */
  contents(): Promise<unknown>;
  damage(): Promise<unknown>;
  /** What the plan names as missing. */
  readonly missing: RegExp;
  /** The Deployment that is stopped while its data is replaced. */
  readonly application?: string;
  readonly safetyCopy: 'Databases' | 'Directory' | 'Refs' | 'None';
}

/** The three services of the SLA side by side, with their policies in one namespace, and a second MariaDB server. */
export interface ThreeServices {
  readonly services: readonly LostService[];
  readonly influxdb: InfluxdbApi;
  /** SQL on the server that the database is dumped from, and on the other one. */
  sql(text: string): Promise<string>;
  otherSql(text: string): Promise<string>;
  stop(): Promise<void>;
}

// Somebody pushed another history by force, a branch and a tag are gone, and the server has thrown away what no ref leads to.
const forcePush = `set -eu
cd ${gitHost.repository}
export GIT_AUTHOR_NAME=Mallory GIT_AUTHOR_EMAIL=m@example.com GIT_COMMITTER_NAME=Mallory GIT_COMMITTER_EMAIL=m@example.com
git update-ref refs/heads/main "$(git commit-tree -m Nothing "$(git mktree < /dev/null)")"
git update-ref -d refs/heads/staging
git update-ref -d refs/tags/v1.0
git gc --quiet --prune=now`;

// Every ref, and every object that they lead to; what restores have set aside is not looked at.
const repositoryContents = `set -eu
cd ${gitHost.repository}
git fsck --full --strict >&2
git for-each-ref | grep -v refs/holdfast/
git rev-list --objects --exclude='refs/holdfast/*' --all | sort`;

const policyIn = (namespace: string, sample: PolicyManifest, spec: Partial<PolicyManifest['spec']>): object => ({
  ...sample,
  metadata: { ...sample.metadata, namespace },
  spec: { ...sample.spec, verification: undefined, schedule: { full: '0 0 1 1 *' }, ...spec },
});

const policiesIn = async (namespace: string, keys: ScenarioKeys): Promise<object[]> => {
  const [shop, logs] = [await agamaPolicy(keys), await telegrafPolicy(keys)];
  const workloads = (name: string): object[] => [{ kind: 'Deployment', name }];
  return [
    policyIn(namespace, shop, {
      source: { mysql: { ...shop.spec.source.mysql, databases: ['shop'] } },
      restore: { ...(shop.spec['restore'] as object), workloads: workloads('web') },
    }),
    policyIn(
      namespace,
      { ...logs, spec: { ...logs.spec, restore: { workloads: workloads('collector') } } },
      {
        source: {
          ...logs.spec.source,
          influxdb: { ...logs.spec.source['influxdb'], host: `${influxdbName}.${namespace}.svc` },
        },
      },
    ),
    policyIn(namespace, await ansiblePolicy(keys, namespace), {}),
  ];
};

/** Starts and fills them; the database that is dumped is on the stage's own server. */
export const startThreeServices = async (
  cluster: Cluster,
  keys: ScenarioKeys,
  namespace: string,
): Promise<ThreeServices> => {
  const { kubectl } = cluster;
  const sql = (text: string): Promise<string> => runSql(kubectl, agama.namespace, text);
  const otherSql = (text: string): Promise<string> => runSql(kubectl, namespace, text);
  const onGitHost = (script: string): Promise<string> => runOnGitHost(kubectl, namespace, script);
  const password = keys.databasePassword;
  await applyPolicySecrets(cluster, namespace, keys);
  await applyObjects(
    kubectl,
    ['web', 'collector'].map((name) => application({ namespace, name })),
  );
  const startLogs = async () => {
    await startInfluxdb(kubectl, namespace);
    const forward = await forwardPort(cluster, namespace, `deployment/${influxdbName}`, influxdbPorts.http);
    const influxdb = influxdbApi(forward.port);
    await prepareSample(influxdb, 'telegraf');
    return { influxdb, stop: forward.stop };
  };
  const startDatabases = async (): Promise<void> => {
    await sql(shopDatabase);
    await createRestoreAccount(kubectl, agama.namespace, { password, databases: ['shop', 'shop_copy'] });
    await startMariadb(kubectl, namespace, keys);
    await createRestoreAccount(kubectl, namespace, { password, databases: ['shop'] });
  };
  const startRepository = async (): Promise<void> => {
    await startGitHost(kubectl, namespace, keys);
    await fillRepository(kubectl, namespace);
  };
  const [{ influxdb, stop }] = await Promise.all([startLogs(), startDatabases(), startRepository()]);
  await applyObjects(kubectl, await policiesIn(namespace, keys));
  return {
    influxdb,
    sql,
    otherSql,
    stop,
    services: [
      {
        policy: 'agama',
        contents: () => shopContents(sql),
        damage: () => sql(shopDamage),
        missing: /^table shop\.orders$/,
        application: 'web',
        safetyCopy: 'Databases',
      },
      {
        policy: 'telegraf',
        contents: () => everythingIn(influxdb, 'telegraf'),
        damage: () => influxdb.query('DROP DATABASE telegraf'),
        missing: /^measurement autogen\./,
        application: 'collector',
        safetyCopy: 'None',
      },
      {
        policy: 'ansible',
        contents: () => onGitHost(repositoryContents),
        damage: () => onGitHost(forcePush),
        missing: /refs\/heads\/staging/,
        safetyCopy: 'Refs',
      },
    ],
  };
};
