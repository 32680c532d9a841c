import { z } from 'zod';
import type { DeepReadonly } from '../../../base/types.ts';
import { celRules, exactlyOneOf, host, objectName, port, secretRef } from '../primitives.ts';
import { directory, mountedSecret } from '../task-values.ts';
import { databaseName } from './database-name.ts';

const tls = z
  .object({
    caSecretRef: secretRef
      .describe(
        'Secret whose key `ca.crt` holds the certificate authority of the server, or several. Without it the public authorities count that Node.js carries.',
      )
      .optional(),
    clientCertificateSecretRef: secretRef
      .describe(
        'Secret of type kubernetes.io/tls with the client certificate to present: `tls.crt`, and `tls.key` without a passphrase.',
      )
      .optional(),
  })
  .describe(
    'Encrypts every connection to the server and verifies its certificate, the name of the host included. A server that cannot prove who it is, or offers no TLS, fails the run. `{}` is enough for a certificate of a public authority. Without `tls` nothing is verified.',
  );

/** Databases of a MySQL or MariaDB server. */
export const mysqlSource = z
  .object({
    host: host.describe('Host name or IPv4 address of the MySQL or MariaDB server, inside the cluster or outside it.'),
    port: port.default(3306).describe('TCP port of the server.'),
    databases: z
      .array(databaseName)
      .min(1)
      .max(32)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('Databases to back up together, in one snapshot. System schemas are not backed up.')
      .optional(),
    all: z
      .literal(true)
      .describe(
        'Backs up every database that the server has when the dump begins, but for the system schemas. The privileges are needed on `*.*`, so that none is hidden from the account. A server without a database fails the run.',
      )
      .optional(),
    accounts: z
      .literal(true)
      .describe(
        'Also backs up the accounts of the server, roles and grants included, into a file of their own (`accounts.sql`), with the hashes of their passwords. MariaDB only. The account that dumps needs SELECT on `mysql.*`.',
      )
      .optional(),
    credentialsSecretRef: secretRef.describe(
      'Secret of type kubernetes.io/basic-auth: the account that dumps. It needs SELECT, SHOW VIEW, TRIGGER, EVENT and EXECUTE on the databases, SELECT on mysql.proc for routines (MySQL 8 and later: SHOW_ROUTINE), and RELOAD so that the facts come from the very snapshot of the dump.',
    ),
    tls: tls.optional(),
  })
  .meta(
    celRules(exactlyOneOf('mysql', ['databases', 'all']), {
      rule: `!has(self.databases) || !self.databases.exists(name, name.lowerAscii() in ['information_schema', 'performance_schema', 'sys', 'mysql'])`,
      message: 'mysql.databases: name your own databases; the system schemas are not backed up',
    }),
  )
  .describe('Databases on a MySQL or MariaDB server.');
export type MysqlSource = DeepReadonly<z.output<typeof mysqlSource>>;

/** What the dump container is told of it. */
export const mysqlTask = mysqlSource.omit({ credentialsSecretRef: true, tls: true, databases: true }).extend({
  databases: z.array(z.string()).min(1).describe('By name; missing with `all`.').optional(),
  credentials: directory.describe('Where the Secret with `username` and `password` is mounted.'),
  credentialsSecret: objectName.describe('Its name, for messages.'),
  tls: z
    .object({
      ca: mountedSecret.describe('Holds `ca.crt`; missing for the public authorities.').optional(),
      clientCertificate: mountedSecret.describe('Holds `tls.crt` and `tls.key`.').optional(),
    })
    .describe('Missing for a connection that is not verified.')
    .optional(),
});
export type MysqlTask = z.output<typeof mysqlTask>;

/** Where a verification finds the scratch server: on a socket in the pod, with no password. */
export const mysqlSandbox = z.object({ socket: directory.describe('Its Unix socket, which only the pod has.') });
export type MysqlSandbox = z.output<typeof mysqlSandbox>;
