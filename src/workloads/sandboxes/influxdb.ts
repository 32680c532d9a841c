import { influxdbConfiguration } from '../../agent/engines/influxdb/sandbox-config.ts';
import type { SandboxParts } from './sandbox-parts.ts';

const directory = '/verification/server';
const httpPort = 8086;
const rpcPort = 8088;

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
  connect: ({ namespace, pod }) =>
    `kubectl port-forward --namespace ${namespace} pod/${pod} ${httpPort}, then influx -host 127.0.0.1 -port ${httpPort}`,
  server: { engines: ['influxdb'], script },
});
