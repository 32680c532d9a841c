import type { MariadbServer } from '../../agent/support/mariadb.ts';
import { database } from './database.ts';

const account = { username: 'backup', password: 'correct horse battery staple' };

/** Makes the account that dumps these databases, with what it needs and no more. */
export const createAccount = async (
  server: MariadbServer,
  databases: readonly string[] = [database],
): Promise<typeof account> => {
  await server.admin(async (connection) => {
    await connection.query(`CREATE USER ${account.username}@'%' IDENTIFIED BY '${account.password}'`);
    for (const name of databases)
      await connection.query(
        `GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON ${name}.* TO ${account.username}@'%'`,
      );
    await connection.query(`GRANT RELOAD ON *.* TO ${account.username}@'%'`);
    await connection.query(`GRANT SELECT ON mysql.proc TO ${account.username}@'%'`);
  });
  return account;
};

/** Makes the account that restores them, as docs/restore.md says. */
export const createRestorer = async (server: MariadbServer, databases: readonly string[]): Promise<typeof account> => {
  const name = `restorer@'%'`;
  const tables = 'SELECT, INSERT, CREATE, DROP, ALTER, INDEX, REFERENCES';
  const programs = 'CREATE VIEW, SHOW VIEW, TRIGGER, EVENT, CREATE ROUTINE, ALTER ROUTINE, EXECUTE';
  await server.admin(async (connection) => {
    await connection.query(`CREATE USER ${name} IDENTIFIED BY '${account.password}'`);
    for (const each of databases) await connection.query(`GRANT ${tables}, ${programs} ON ${each}.* TO ${name}`);
    await connection.query(`GRANT ${tables} ON \`holdfast\\_%\`.* TO ${name}`);
    await connection.query(`GRANT SELECT ON mysql.* TO ${name}`);
    await connection.query(`GRANT SET USER, PROCESS ON *.* TO ${name}`);
  });
  return { ...account, username: 'restorer' };
};
