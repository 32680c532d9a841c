import type { MariadbServer } from '../../agent/support/mariadb.ts';
import { database } from './database.ts';

const account = { username: 'backup', password: 'correct horse battery staple' };

/** Makes the account that dumps, with what it needs and no more. */
export const createAccount = async (server: MariadbServer): Promise<typeof account> => {
  await server.admin(async (connection) => {
    await connection.query(`CREATE USER ${account.username}@'%' IDENTIFIED BY '${account.password}'`);
    await connection.query(
      `GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON ${database}.* TO ${account.username}@'%'`,
    );
    await connection.query(`GRANT RELOAD ON *.* TO ${account.username}@'%'`);
    await connection.query(`GRANT SELECT ON mysql.proc TO ${account.username}@'%'`);
  });
  return account;
};
