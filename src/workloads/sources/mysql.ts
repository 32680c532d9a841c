import type { MysqlSource } from '../../api/v1alpha1/sources/mysql.ts';
import { mountSecret } from '../secrets.ts';
import type { SourceParts } from './source-parts.ts';

/** What a MySQL source adds to the dump container. */
export const mysqlDump = (mysql: MysqlSource): SourceParts => {
  const credentials = mountSecret('source', mysql.credentialsSecretRef.name);
  return {
    image: 'mysql',
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
