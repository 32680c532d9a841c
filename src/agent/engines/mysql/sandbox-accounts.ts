import { randomBytes } from 'node:crypto';
import type { AccountFacts } from './facts.ts';
import type { Connection, SocketAccount } from './connect.ts';
import { identifier } from './sql.ts';

/** Belongs to the server: its own views run as it. */
const serversOwn = new Set(['mariadb.sys']);

const host = 'localhost';

/**
 * Takes away every account that the scratch server has by itself, so that those of the backup are made as they were: an account that is
 * there already would keep its own grants, and root its own password. What signs in from then on is an account of another name.
 */
export const makeRoomForAccounts = async (connection: Connection, socket: string): Promise<SocketAccount> => {
  const username = `holdfast-${randomBytes(4).toString('hex')}`;
  const own = `${identifier(username)}@${identifier(host)}`;
  const rows: { user: string; host: string; role: string }[] = await connection.query(
    "SELECT User AS user, Host AS host, IF(is_role = 'Y', 'Y', 'N') AS role FROM mysql.user",
  );
  await connection.query(`CREATE USER ${own}`);
  await connection.query(`GRANT ALL PRIVILEGES ON *.* TO ${own} WITH GRANT OPTION`);
  await connection.query(`GRANT PROXY ON ''@'%' TO ${own} WITH GRANT OPTION`);
  for (const row of rows) {
    if (serversOwn.has(row.user) || row.user.toUpperCase() === 'PUBLIC') continue;
    await connection.query(
      row.role === 'Y'
        ? `DROP ROLE ${identifier(row.user)}`
        : `DROP USER ${identifier(row.user)}@${identifier(row.host)}`,
    );
  }
  return { socket, username };
};

/** The accounts but for the one that signs in. */
export const withoutOwn = (accounts: readonly AccountFacts[], { username }: SocketAccount): AccountFacts[] =>
  accounts.filter((account) => account.user !== username || account.host !== host);
