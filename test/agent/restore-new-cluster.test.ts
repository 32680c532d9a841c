import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerName, Result } from '../../src/api/v1alpha1/result.ts';
import { runAgent } from './support/agent.ts';
import { benchForEach } from './support/bench-for-each.ts';
import { makeGpgOwner } from './support/duplicity-gpg.ts';
import { type MariadbServer, startMariadb } from './support/mariadb.ts';
import { benchAccount, benchDatabase, makeMysqlBench } from './support/mysql-bench.ts';
import { factsNow } from './support/mysql-facts.ts';
import { startRsyncRepository } from './support/repositories.ts';
import { held } from './support/restore-bench.ts';
import { madeBy } from './support/ship-outcomes.ts';
import { subject } from '../support/subject.ts';

// The disaster that backups are made for: cluster, claim and server are gone. What is left is the backup host, the policy and the private key.

const on = benchForEach(startRsyncRepository);

const startServer = async (): Promise<MariadbServer> => {
  const server = await startMariadb(['--event-scheduler=OFF']);
  await server.admin((connection) =>
    connection.query(
      `CREATE USER ${benchAccount.username}@'%' IDENTIFIED BY '${benchAccount.password}'; GRANT ALL ON *.* TO ${benchAccount.username}@'%' WITH GRANT OPTION`,
    ),
  );
  return server;
};

/** Dumps and ships twice, with rows changed between; gives what the source held each time. */
const backUp = async (server: MariadbServer, publicKey: string) => {
  const { claim } = on.bench;
  const encryption = { method: 'gpg', publicKey: await on.bench.secret('gpg', { 'public.asc': publicKey }) } as const;
  await server.prepare({ database: benchDatabase, username: 'reader', password: 'x' });
  const dumps = await makeMysqlBench(server);
  const held = [];
  try {
    for (const kind of ['Full', 'Incremental'] as const) {
      const { result, log } = await dumps.dump({ task: { kind, claim, keep: 5 } });
      if (result.failure !== undefined) throw new Error(log);
      held.push(await factsNow(server, benchDatabase));
      expect(madeBy(await on.bench.ship({ kind, encryption }))).toEqual([kind]);
      await server.admin((connection) =>
        connection.query(
          `UPDATE ${benchDatabase}.customers SET balance = balance + 1; DELETE FROM ${benchDatabase}.no_key LIMIT 1`,
        ),
      );
    }
  } finally {
    await dumps.remove();
  }
  return held;
};

test('a database comes back in place in a new cluster: equal by another comparison, and not said to be proven', async () => {
  const { claim, scratch, fetched, path } = on.bench;
  const owner = await makeGpgOwner(path, 'o');
  await owner.stop();
  const old = await startServer();
  const [, expected] = await backUp(old, owner.publicKey).finally(() => old.stop());
  for (const name of await readdir(claim)) await rm(join(claim, name), { recursive: true });

  const cluster = 'a-new-cluster';
  const resolved = await on.bench.resolve({ cluster, acceptUnrecorded: true, encryption: 'gpg' });
  const set = resolved.result.restore?.point?.set;
  if (set === undefined) throw new Error(resolved.log);
  expect(set).toMatchObject({ type: 'Incremental', unrecorded: true });
  const privateKey = await on.bench.secret('gpg-private', { 'private.asc': owner.privateKey });
  const brought = await on.bench.bring({ set, cluster, decryption: { method: 'gpg', privateKey } });
  expect(brought.result.failure).toBeUndefined();

  const server = await startServer();
  try {
    const { directory: credentials } = await on.bench.secret('mysql-account', benchAccount);
    const { host, port } = server;
    const gate = { file: join(path, 'gate'), waitSeconds: 20 };
    const mysql = { host, port, databases: [benchDatabase], credentials, credentialsSecret: 'mysql-account' };
    const task = {
      kind: 'Restore',
      policy: { namespace: 'shop', name: 'agama' },
      request: { name: 'agama-is-lost', uid: '6f1c' },
      subject,
      claim,
      scratch,
      fetched,
      set,
      gate,
      deadlineSeconds: 120,
      target: { mysql },
      into: { by: 'InPlace' },
      id: '0123abcd',
    };
    const run = async (container: ContainerName): Promise<Result> => {
      const { result, log } = await runAgent(container, task);
      if (result.failure !== undefined) throw new Error(log);
      return result;
    };
    expect((await run('inspect')).restore?.destination).toMatchObject({ present: false, healthy: false });
    const loaded = await run('load');
    await writeFile(gate.file, JSON.stringify(held()));
    expect((await run('swap')).restore).toMatchObject({ state: 'Replaced', safetyCopy: { kind: 'None' } });
    const checked = await run('check');
    for (const { restore } of [loaded, checked]) {
      expect(restore?.compared).toMatchObject({ objects: expect.any(Number), rows: expect.any(Number) });
      expect(restore?.compared).not.toHaveProperty('factsDigest');
    }
    expect(loaded.notes).toMatchObject([
      { reason: 'FactsUnknown', message: expect.stringMatching(/No ledger records the set, so nothing witnesses/) },
    ]);
    expect(checked.restore?.state).toBe('Replaced');
    expect(await factsNow(server, benchDatabase)).toEqual(expected);
  } finally {
    await server.stop();
  }
}, 300_000);
