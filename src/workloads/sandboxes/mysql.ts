import type { SandboxParts } from './sandbox-parts.ts';

const directory = '/verification/server';
const socket = `${directory}/mysqld.sock`;

// No network, no password: only the pod has the socket. What is loaded must neither run by itself (events) nor be limited (packets), and
// nothing of it must outlive the pod, so that it may be written without care (flush, doublewrite, binary log).
const options = [
  '--no-defaults',
  `--datadir=${directory}/data`,
  `--socket=${socket}`,
  `--pid-file=${directory}/mysqld.pid`,
  `--tmpdir=${directory}/tmp`,
  '--skip-networking',
  '--event-scheduler=OFF',
  '--max-allowed-packet=1G',
  '--skip-log-bin',
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-doublewrite=0',
  `--secure-file-priv=${directory}/tmp`,
].join(' ');

/** MariaDB by its own installer, MySQL by the server itself. A server that ends is started anew by kubelet, and is empty then. */
const script = `set -eu
umask 077
rm -rf ${directory}
mkdir -p ${directory}/data ${directory}/tmp
if command -v mariadbd >/dev/null; then
  mariadb-install-db --no-defaults --datadir=${directory}/data --tmpdir=${directory}/tmp --auth-root-authentication-method=normal --skip-test-db >/dev/null
  exec mariadbd ${options}
fi
mysqld --no-defaults --datadir=${directory}/data --tmpdir=${directory}/tmp --initialize-insecure
exec mysqld ${options} --mysqlx=OFF
`;

/** MySQL and MariaDB: a server on a socket. */
export const mysqlSandbox = (): SandboxParts => ({
  image: 'mysql',
  sandbox: { mysql: { socket } },
  connect: ({ namespace, pod }) =>
    `kubectl exec --namespace ${namespace} --stdin --tty ${pod} --container sandbox -- mariadb --user root --socket ${socket}`,
  server: { engines: ['mariadb', 'mysql'], script },
});
