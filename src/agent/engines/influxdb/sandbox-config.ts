/** Ports of the scratch server. */
export interface SandboxPorts {
  readonly http: number;
  readonly rpc: number;
}

/**
 * The configuration of the scratch server that a backup is loaded into; nothing of a policy's is in it. Retention is off: what is older than
 * a retention policy keeps would go before it is compared. Continuous queries and subscriptions are off: the ones would write, and the
 * others, which come back with a backup, would send what it holds to wherever they say. No limit on series: the source may have had none.
 * Nothing but the pod reaches it, so nobody signs in.
 * @param root a directory of the server's own, with a plain path
 */
export const influxdbConfiguration = (root: string, { http, rpc }: SandboxPorts): string => `reporting-disabled = true
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
[subscriber]
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
