import type { MysqlSource } from '../../api/v1alpha1/sources/mysql.ts';
import { mountSecret, type SecretMount } from '../secrets.ts';
import type { SourceParts } from './source-parts.ts';

const mounted = ({ directory, secret }: SecretMount) => ({ directory, secret });

/** What a MySQL source adds to the dump container. */
export const mysqlDump = (mysql: MysqlSource): SourceParts => {
  const { databases, all, accounts, tls } = mysql;
  const credentials = mountSecret('source', mysql.credentialsSecretRef.name);
  const ca = tls?.caSecretRef && mountSecret('source-ca', tls.caSecretRef.name);
  const certificate =
    tls?.clientCertificateSecretRef && mountSecret('source-certificate', tls.clientCertificateSecretRef.name);
  return {
    image: 'mysql',
    about: { host: mysql.host, port: mysql.port, databases: databases?.toSorted(), all, accounts },
    source: {
      mysql: {
        host: mysql.host,
        port: mysql.port,
        ...(databases !== undefined && { databases: [...databases] }),
        ...(all !== undefined && { all }),
        ...(accounts !== undefined && { accounts }),
        credentials: credentials.directory,
        credentialsSecret: credentials.secret,
        ...(tls !== undefined && {
          tls: {
            ...(ca !== undefined && { ca: mounted(ca) }),
            ...(certificate !== undefined && { clientCertificate: mounted(certificate) }),
          },
        }),
      },
    },
    secrets: [credentials, ca, certificate].filter((mount) => mount !== undefined),
  };
};
