import { z } from 'zod';
import { host, port, secretRef } from '../primitives.ts';
import { databaseName } from './database-name.ts';

/** A database of an InfluxDB 1.x server. */
export const influxdbSource = z
  .object({
    host: host.describe('Host name or IPv4 address of the InfluxDB 1.x server.'),
    rpcPort: port.default(8088).describe('Port of the backup service (RPC).'),
    httpPort: port.default(8086).describe('Port of the HTTP API, asked for counts.'),
    database: databaseName.describe('Database to back up.'),
    credentialsSecretRef: secretRef.describe('Secret of type kubernetes.io/basic-auth for the HTTP API.').optional(),
  })
  .describe('A database on an InfluxDB 1.x server. Not available yet: refused with a Stalled condition.');
