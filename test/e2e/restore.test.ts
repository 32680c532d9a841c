import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';
import { application, podsOf } from '../scenario/application.ts';
import { createRestoreAccount, runSql } from '../scenario/database.ts';
import { applyObjects } from '../scenario/objects.ts';
import { agama, agamaPolicy } from '../scenario/policy.ts';
import { conditionOf, runNow, waitForStatus } from '../scenario/runs.ts';
import { applyPolicySecrets } from '../scenario/stage.ts';
import { createRestoring, givePeopleRights } from '../scenario/restoring.ts';
import { e2eStage } from './stage.ts';

// A restore in place through real pods: a table is dropped and rows are changed, alice asks, bob confirms, and the data is back.

const namespace = 'agama-restore';
const policy = { namespace, name: 'shop' };
const request = 'orders-lost';

let cluster: Cluster;

const inNamespace = (...args: string[]): Promise<string> => cluster.kubectl([...args, '--namespace', namespace]);
const sql = (text: string): Promise<string> => runSql(cluster.kubectl, agama.namespace, text);

const web = { namespace, name: 'web' };

const database = `
  DROP DATABASE IF EXISTS shop;
  CREATE DATABASE shop CHARACTER SET utf8mb4;
  USE shop;
  CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(100));
  CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer INT NOT NULL, note TEXT,
    FOREIGN KEY (customer) REFERENCES customers (id));
  CREATE TABLE changes (id INT PRIMARY KEY AUTO_INCREMENT, at DATETIME DEFAULT CURRENT_TIMESTAMP);
  CREATE VIEW busy AS SELECT customer, COUNT(*) AS orders FROM orders GROUP BY customer;
  CREATE TRIGGER noted AFTER INSERT ON orders FOR EACH ROW INSERT INTO changes () VALUES ();
  INSERT INTO customers SELECT seq, CONCAT('Õie ', seq) FROM seq_1_to_1000;
  INSERT INTO orders (customer, note) SELECT 1 + seq % 1000, REPEAT('ä', 50) FROM seq_1_to_20000;`;

const contents = (): Promise<string> =>
  sql(`
    SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY 1;
    SELECT trigger_name, MD5(action_statement) FROM information_schema.triggers WHERE trigger_schema = 'shop';
    CHECKSUM TABLE shop.customers, shop.orders, shop.changes EXTENDED;
    SELECT COUNT(*), SUM(orders) FROM shop.busy;`);

beforeAll(async () => {
  const stage = await e2eStage();
  ({ cluster } = stage);
  const { keys } = stage;
  await applyPolicySecrets(cluster, namespace, keys);
  const password = keys.databasePassword;
  await sql(database);
  await sql(`
    GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON shop.* TO holdfast@'%';`);
  await createRestoreAccount(cluster.kubectl, agama.namespace, { password, database: 'shop' });
  const sample = await agamaPolicy(keys);
  await applyObjects(cluster.kubectl, [
    application(web),
    {
      ...sample,
      metadata: policy,
      spec: {
        ...sample.spec,
        source: { mysql: { ...sample.spec.source.mysql, databases: ['shop'] } },
        verification: undefined,
        schedule: { full: '0 0 1 1 *' },
        restore: {
          confirmation: 'TwoPersons',
          workloads: [{ kind: 'Deployment', name: 'web' }],
          credentialsSecretRef: { name: 'agama-mysql-restore' },
        },
      },
    },
  ]);
  await givePeopleRights(cluster, namespace);
  await inNamespace('rollout', 'status', 'deployment/web', '--timeout', '60s');
  await waitForStatus(cluster, policy, (status) => conditionOf(status, 'Ready')?.status === 'True', {
    timeoutMs: 60_000,
    what: 'Ready',
  });
}, 300_000);

test('what was lost comes back after somebody else confirmed it, and nothing is replaced before', async () => {
  const status = await runNow(cluster, policy, 'Full', 'shop-full-before');
  expect(status.lastFailure).toBeUndefined();
  const before = await contents();
  await sleep(1500);
  const lossTime = `${new Date().toISOString().slice(0, 19)}Z`;
  await sql(
    `USE shop; SET foreign_key_checks = 0; DROP TABLE orders; UPDATE customers SET name = 'gone' WHERE id % 2;`,
  );
  const restoring = createRestoring(cluster, policy, request);
  await restoring.ask({ lossTime, reason: 'Deleted', evidence: 'shop.orders does not exist' });
  const { plan } = await restoring.phase('AwaitingConfirmation', 120);
  expect(plan?.policies[0]).toMatchObject({
    set: { type: 'Full', setTime: status.lastFull?.setTime },
    destination: { healthy: false, missing: expect.arrayContaining(['table shop.orders']) },
  });
  await expect(restoring.confirm('alice', 'bob')).rejects.toThrow('confirmedBy');
  // Her own word is taken, and does not count where two persons are asked for.
  await restoring.confirm('alice');
  await sleep(3000);
  expect(await restoring.status()).toMatchObject({
    phase: 'AwaitingConfirmation',
    refused: [{ name: `${request}-alice`, reason: 'SamePerson' }],
  });
  expect(await podsOf(cluster.kubectl, web)).toBe(2);
  await restoring.confirm('bob');
  let fewest = 2;
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      fewest = Math.min(fewest, await podsOf(cluster.kubectl, web));
      await sleep(300);
    }
  })();
  const done = await restoring.phase('Completed', 240);
  over.abort();
  await watching;
  expect(await contents()).toBe(before);
  expect(fewest).toBe(0);
  expect(await inNamespace('get', 'deployment', 'web', '--output', 'jsonpath={.spec.replicas}')).toBe('2');
  expect(done).toMatchObject({
    confirmation: { confirmedBy: 'bob' },
    recoveryTimeMet: true,
    policies: [{ outcome: 'Completed', state: 'Replaced', safetyCopy: { kind: 'Databases' } }],
  });
  expect(done.measuredSeconds).toBeGreaterThan(0);
  const after = await waitForStatus(cluster, policy, ({ lastRestore }) => lastRestore !== undefined, {
    timeoutMs: 30_000,
    what: 'lastRestore',
  });
  expect(after.lastRestore).toMatchObject({ request, outcome: 'Completed' });
}, 600_000);

test('a check of one’s own needs nobody’s word: loaded, compared, and there to be looked at', async () => {
  const orders = (await sql('SELECT COUNT(*) FROM shop.orders')).trim();
  const restoring = createRestoring(cluster, policy, 'drill');
  await restoring.ask({ destination: { sandbox: { keepFor: '5m' } }, reason: 'Drill' });
  const { policies } = await restoring.phase('Completed', 180);
  expect(policies).toMatchObject([{ outcome: 'Completed', proof: 'Equal' }]);
  const [, command = ''] = /^kubectl (.*)$/.exec(policies?.[0]?.connect ?? '') ?? [];
  const args = command.split(' ').filter((arg) => arg !== '--stdin' && arg !== '--tty');
  const shown = await cluster.kubectl([
    ...args,
    '--skip-column-names',
    '--execute',
    'SELECT COUNT(*) FROM shop.orders',
  ]);
  expect(shown.trim()).toBe(orders);
}, 300_000);

test('the files of a backup go onto a claim, and nobody says that they were loaded', async () => {
  await applyObjects(cluster.kubectl, [
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { namespace, name: 'files' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
  ]);
  const restoring = createRestoring(cluster, policy, 'as-files');
  await restoring.ask({ destination: { volume: { claimName: 'files' } }, reason: 'Drill' });
  await restoring.phase('AwaitingConfirmation', 120);
  await restoring.confirm('bob');
  const done = await restoring.phase('Completed', 180);
  expect(done.policies).toMatchObject([{ outcome: 'Completed', proof: 'FilesWhole' }]);
  expect(done.message).toContain('nothing has loaded them');
}, 400_000);
