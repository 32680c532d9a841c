import { z } from 'zod';
import type { DeepReadonly } from '../../../base/types.ts';
import { celRules, exactlyOneOf, host, objectName, port, secretRef } from '../primitives.ts';
import { directory } from '../task-values.ts';
import { databaseName } from './database-name.ts';

const tls = z
  .object({
    caSecretRef: secretRef
      .describe('Secret whose key `ca.crt` holds the certificate authority of the server.')
      .optional(),
    clientCertificateSecretRef: secretRef
      .describe('Secret of type kubernetes.io/tls with the client certificate to present.')
      .optional(),
  })
  .describe(
    'Encrypts the connection to the server and verifies its certificate. Not available yet: refused with a Stalled condition.',
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
      .describe('Backs up every database of the server. Not available yet: refused with a Stalled condition.')
      .optional(),
    credentialsSecretRef: secretRef.describe(
      'Secret of type kubernetes.io/basic-auth: the account that dumps. It needs SELECT, SHOW VIEW, TRIGGER, EVENT and EXECUTE on the databases, SELECT on mysql.proc for routines, and RELOAD so that the facts come from the very snapshot of the dump.',
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
export const mysqlTask = mysqlSource.omit({ credentialsSecretRef: true, tls: true, all: true }).extend({
  databases: z.array(z.string()).min(1),
  credentials: directory.describe('Where the Secret with `username` and `password` is mounted.'),
  credentialsSecret: objectName.describe('Its name, for messages.'),
});
export type MysqlTask = z.output<typeof mysqlTask>;
