import type { MysqlSource } from '../../api/v1alpha1/source.ts';
import type { DumpTask } from '../../api/v1alpha1/task.ts';
import { mountSecret, type SecretMount } from '../secrets.ts';

/** What a MySQL source adds to the dump container. */
export const mysqlDump = (mysql: MysqlSource): { source: DumpTask['source']; secrets: SecretMount[] } => {
  const credentials = mountSecret('source', mysql.credentialsSecretRef.name);
  return {
    source: {
      mysql: {
        host: mysql.host,
        port: mysql.port,
        databases: [...(mysql.databases ?? [])],
        credentials: credentials.directory,
        credentialsSecret: credentials.secret,
      },
    },
    secrets: [credentials],
  };
};
