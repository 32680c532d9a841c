import { z } from 'zod';
import type { DeepReadonly } from '../../../base/types.ts';
import { host, port, secretRef } from '../primitives.ts';
import { mountedSecret } from '../task-values.ts';
import { databaseName } from './database-name.ts';

/** A database of an InfluxDB 1.x server. */
export const influxdbSource = z
  .object({
    host: host.describe('Host name or IPv4 address of the InfluxDB 1.x server, inside the cluster or outside it.'),
    rpcPort: port
      .default(8088)
      .describe(
        'Port of the backup service (RPC), which the server opens to others only when its bind-address says so. It asks for no credentials: let nobody but the backup pods reach it.',
      ),
    httpPort: port.default(8086).describe('Port of the HTTP API, asked for what is there and for counts.'),
    database: databaseName.describe('Database to back up, with all its retention policies.'),
    credentialsSecretRef: secretRef
      .describe(
        'Secret of type kubernetes.io/basic-auth for the HTTP API: an administrator, since the server lists its shards to no other. Leave it out when the server asks for none.',
      )
      .optional(),
  })
  .describe('A database on an InfluxDB 1.x server.');
export type InfluxdbSource = DeepReadonly<z.output<typeof influxdbSource>>;

/** What the dump container is told of it. */
export const influxdbTask = influxdbSource.omit({ credentialsSecretRef: true }).extend({
  database: z.string().min(1),
  credentials: mountedSecret.describe('The Secret with `username` and `password`, when there is one.').optional(),
});
export type InfluxdbTask = z.output<typeof influxdbTask>;

/** Where a verification finds the scratch server: on loopback, with no password. */
export const influxdbSandbox = z.object({
  httpPort: z.int().min(1).max(65_535).describe('Port of the HTTP API.'),
  rpcPort: z.int().min(1).max(65_535).describe('Port of the backup service.'),
});
export type InfluxdbSandbox = z.output<typeof influxdbSandbox>;
