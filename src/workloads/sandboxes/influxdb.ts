import type { SandboxParts } from './sandbox-parts.ts';

const directory = '/verification/server';
const httpPort = 8086;
const rpcPort = 8088;

/**
 * The configuration of the scratch server. Retention is off: what is older than a retention policy keeps would go before it is compared.
 * Continuous queries are off: they would write. Nothing but the pod reaches it, so nobody signs in.
 */
export const influxdbConfiguration = (
  root: string,
  { http, rpc }: { readonly http: number; readonly rpc: number },
): string => `reporting-disabled = true
bind-address = "127.0.0.1:${rpc}"
[meta]
  dir = "${root}/meta"
[data]
  dir = "${root}/data"
  wal-dir = "${root}/wal"
  query-log-enabled = false
  max-series-per-database = 0
  max-values-per-tag = 0
[retention]
  enabled = false
[continuous_queries]
  enabled = false
[monitor]
  store-enabled = false
[shard-precreation]
  enabled = false
[http]
  bind-address = "127.0.0.1:${http}"
  auth-enabled = false
  log-enabled = false
`;

const script = `set -eu
umask 077
rm -rf ${directory}
mkdir -p ${directory}
cat >${directory}/influxdb.conf <<'END'
${influxdbConfiguration(directory, { http: httpPort, rpc: rpcPort })}END
exec influxd run -config ${directory}/influxdb.conf
`;

/** InfluxDB 1.x: a server on loopback. */
export const influxdbSandbox = (): SandboxParts => ({
  image: 'influxdb',
  sandbox: { influxdb: { httpPort, rpcPort } },
  server: { engines: ['influxdb'], script },
});
