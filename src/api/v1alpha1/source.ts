import { z } from 'zod';
import type { DeepReadonly } from '../../kube/types.ts';
import {
  absolutePath,
  celRules,
  exactlyOneOf,
  host,
  objectName,
  port,
  secretRef,
  text,
  withoutParent,
} from './primitives.ts';

const databaseName = text({
  max: 64,
  pattern: /^[A-Za-z0-9_$][A-Za-z0-9_$.-]*$/,
  message: 'write the name of a database: letters, digits, "_", "$", "." and "-", not beginning with "." or "-"',
});

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

const mysql = z
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

const influxdb = z
  .object({
    host: host.describe('Host name or IPv4 address of the InfluxDB 1.x server.'),
    rpcPort: port.default(8088).describe('Port of the backup service (RPC).'),
    httpPort: port.default(8086).describe('Port of the HTTP API, asked for counts.'),
    database: databaseName.describe('Database to back up.'),
    credentialsSecretRef: secretRef.describe('Secret of type kubernetes.io/basic-auth for the HTTP API.').optional(),
  })
  .describe('A database on an InfluxDB 1.x server. Not available yet: refused with a Stalled condition.');

const git = z
  .object({
    url: text({
      max: 1024,
      pattern: /^(https:\/\/|ssh:\/\/|\/|[A-Za-z0-9_][A-Za-z0-9._-]*@)[A-Za-z0-9._~][A-Za-z0-9._~:@/%+-]*$/,
      message:
        'write the address of a git repository, such as https://git.example.com/ops/ansible.git or git@git.example.com:ops/ansible.git',
    }).describe('Address of the repository: https, ssh, or an absolute path.'),
    credentialsSecretRef: secretRef
      .describe('Secret of type kubernetes.io/ssh-auth or kubernetes.io/basic-auth.')
      .optional(),
  })
  .describe('A git repository with all its refs. Not available yet: refused with a Stalled condition.');

const files = z
  .object({
    claimName: objectName.describe('PersistentVolumeClaim that holds the files.'),
    paths: z
      .array(absolutePath)
      .min(1)
      .max(64)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('What to back up, from the root of the claim.')
      .optional(),
    exclude: z
      .array(
        text({
          max: 256,
          pattern: /^[A-Za-z0-9._/*?][A-Za-z0-9._/*?-]*$/,
          message: 'write a shell pattern of letters, digits, ".", "_", "-", "/", "*" and "?", such as *.tmp',
        }).meta(celRules(withoutParent)),
      )
      .max(64)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('Shell patterns of paths to leave out.')
      .optional(),
    runAs: z.int32().min(1).max(65534).describe('User ID that may read the files.').optional(),
  })
  .describe('Files on a PersistentVolumeClaim. Not available yet: refused with a Stalled condition.');

/** Where the data is read from. Adding an engine is one more block here and one folder in the agent. */
export const source = z
  .object({
    mysql: mysql.optional(),
    influxdb: influxdb.optional(),
    git: git.optional(),
    files: files.optional(),
  })
  .meta(celRules(exactlyOneOf('source', ['mysql', 'influxdb', 'git', 'files'])))
  .describe('What is backed up. Exactly one of mysql, influxdb, git, files.');

export type MysqlSource = DeepReadonly<z.output<typeof mysql>>;
export const mysqlSource = mysql;
