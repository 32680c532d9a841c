import { readFile } from 'node:fs/promises';
import type { Tool } from '../cluster/kubectl.ts';
import { mariadbName } from './servers.ts';

/** Runs SQL on the server of a namespace, as root through the server's own socket. */
export const runSql = async (kubectl: Tool, namespace: string, sql: string): Promise<string> => {
  // The password stays in the pod: the client reads it from the mounted Secret, and no argument ever holds it.
  const client =
    'MYSQL_PWD=$(cat /etc/mariadb-secret/password) exec mariadb --no-defaults --socket=/var/lib/mysql/tmp/mysqld.sock --user=root --batch --skip-column-names';
  const args = ['exec', '--stdin', '--namespace', namespace, `deployment/${mariadbName}`, '--', 'sh', '-c', client];
  return kubectl(args, { input: sql, timeoutMs: 300_000 });
};

const file = (name: string): Promise<string> => readFile(new URL(name, import.meta.url), 'utf8');

/** Makes the account that dumps, with what it needs and no more. */
export const createBackupAccount = async (kubectl: Tool, namespace: string, password: string): Promise<void> => {
  await runSql(
    kubectl,
    namespace,
    `CREATE USER IF NOT EXISTS holdfast@'%' IDENTIFIED BY '${password}';
     ALTER USER holdfast@'%' IDENTIFIED BY '${password}';
     GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON agama.* TO holdfast@'%';
     GRANT SELECT ON mysql.proc TO holdfast@'%';
     GRANT RELOAD ON *.* TO holdfast@'%';`,
  );
};

const restoreRights =
  'SELECT, INSERT, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW, TRIGGER, EVENT, CREATE ROUTINE, ALTER ROUTINE, EXECUTE';

/** Makes the account that restores databases, with what docs/restore.md says that it needs. */
export const createRestoreAccount = async (
  kubectl: Tool,
  namespace: string,
  { password, databases }: { password: string; databases: readonly string[] },
): Promise<void> => {
  const grants = [...databases, 'holdfast\\_%'].map(
    (name) => `GRANT ${restoreRights} ON \`${name}\`.* TO restorer@'%';`,
  );
  await runSql(
    kubectl,
    namespace,
    `CREATE USER IF NOT EXISTS restorer@'%' IDENTIFIED BY '${password}';
     ALTER USER restorer@'%' IDENTIFIED BY '${password}';
     ${grants.join('\n     ')}
     GRANT SELECT ON mysql.* TO restorer@'%';
     GRANT SET USER, PROCESS ON *.* TO restorer@'%';`,
  );
};

/** Fills the database `agama` with 200,000 rows, unless it is there. Returns the number of rows. */
export const fillDatabase = async (kubectl: Tool, namespace: string): Promise<number> => {
  const there = await runSql(
    kubectl,
    namespace,
    "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'agama'",
  );
  if (there.trim() === '0') await runSql(kubectl, namespace, await file('agama.sql'));
  const rows = await runSql(
    kubectl,
    namespace,
    'SELECT (SELECT COUNT(*) FROM agama.customers) + (SELECT COUNT(*) FROM agama.orders) + (SELECT COUNT(*) FROM agama.invoices)',
  );
  return Number(rows);
};

/** Changes one row in a hundred. */
export const changeDatabase = async (kubectl: Tool, namespace: string): Promise<void> => {
  await runSql(kubectl, namespace, await file('change.sql'));
};
