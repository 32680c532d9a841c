import type { Cluster } from '../cluster/cluster.ts';
import { changeDatabase, createBackupAccount, createRestoreAccount, fillDatabase } from './database.ts';
import type { ScenarioKeys } from './keys.ts';
import { changeLogs, fillLogs } from './logs.ts';
import { applyObjects } from './objects.ts';
import { agama, agamaPolicy, ansible, ansiblePolicy, telegraf, telegrafPolicy, type PolicyManifest } from './policy.ts';
import { changeRepository, fillRepository } from './repository.ts';
import type { PolicyName } from './runs.ts';
import { startGitHost, startInfluxdb, startMariadb } from './servers.ts';
import { applyPolicySecrets } from './stage.ts';

/** One service of the SLA, as demo and end-to-end tests play it. */
export interface Service {
  readonly policy: PolicyName;
  /** What it is, in a person's words. */
  readonly what: string;
  /** Starts the server, with the account that dumps. May be done again. */
  start(cluster: Cluster, keys: ScenarioKeys): Promise<void>;
  /** Fills it, unless that was done. Returns what is in it, in words. */
  fill(cluster: Cluster): Promise<string>;
  /** A day's changes, in words. */
  readonly changes: string;
  change(cluster: Cluster): Promise<void>;
  /** Its sample, with this cluster's host keys in place of the placeholders. */
  sample(keys: ScenarioKeys): Promise<PolicyManifest>;
}

const number = (count: number): string => count.toLocaleString('en');

/** The three services that the first SLA covers. */
export const services = [
  {
    policy: agama,
    what: 'the customer database agama (MariaDB)',
    async start({ kubectl }, keys) {
      await startMariadb(kubectl, agama.namespace, keys);
      await createBackupAccount(kubectl, agama.namespace, keys.databasePassword);
      await createRestoreAccount(kubectl, agama.namespace, { password: keys.databasePassword, databases: ['agama'] });
    },
    fill: async ({ kubectl }) =>
      `${number(await fillDatabase(kubectl, agama.namespace))} rows, with views, triggers, a routine, an event, blobs and emoji`,
    changes: 'one row in a hundred changed',
    change: ({ kubectl }) => changeDatabase(kubectl, agama.namespace),
    sample: agamaPolicy,
  },
  {
    policy: telegraf,
    what: 'the log database telegraf (InfluxDB)',
    start: ({ kubectl }) => startInfluxdb(kubectl, telegraf.namespace),
    fill: async ({ kubectl }) => `${number(await fillLogs(kubectl, telegraf.namespace))} points of ten hosts in a week`,
    changes: 'an hour of logs more',
    change: ({ kubectl }) => changeLogs(kubectl, telegraf.namespace),
    sample: telegrafPolicy,
  },
  {
    policy: ansible,
    what: 'the Ansible repository (git)',
    start: ({ kubectl }, keys) => startGitHost(kubectl, ansible.namespace, keys),
    fill: async ({ kubectl }) => `${number(await fillRepository(kubectl, ansible.namespace))} commits`,
    changes: 'a commit more',
    change: ({ kubectl }) => changeRepository(kubectl, ansible.namespace),
    sample: (keys) => ansiblePolicy(keys),
  },
] as const satisfies readonly Service[];

/** Applies a service's sample and the Secrets that it names. */
export const applyService = async (cluster: Cluster, service: Service, keys: ScenarioKeys): Promise<void> => {
  await applyPolicySecrets(cluster, service.policy.namespace, keys);
  await applyObjects(cluster.kubectl, [await service.sample(keys)]);
};
