import type { InfluxdbSource } from '../../api/v1alpha1/sources/influxdb.ts';
import { mountSecret } from '../secrets.ts';
import type { SourceParts } from './source-parts.ts';

/** What an InfluxDB source adds to the dump container. */
export const influxdbDump = ({ credentialsSecretRef, ...influxdb }: InfluxdbSource): SourceParts => {
  const { host, rpcPort, httpPort, database } = influxdb;
  const secret = credentialsSecretRef === undefined ? undefined : mountSecret('source', credentialsSecretRef.name);
  return {
    image: 'influxdb',
    about: { host, rpcPort, httpPort, database },
    source: {
      influxdb: {
        ...influxdb,
        ...(secret && { credentials: { directory: secret.directory, secret: secret.secret } }),
      },
    },
    secrets: secret === undefined ? [] : [secret],
  };
};
