import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { createTransport } from '../../src/kube/transport.ts';
import { createCarrier, type Mutable, type RecordedRequest } from './carry-out.ts';
import { forward, type Decision } from './decision.ts';
import { describeRequest, type ProxiedRequest } from './request.ts';
import type { StreamScript } from './stream.ts';

export type { RecordedRequest } from './carry-out.ts';
export type { Committed, Decision } from './decision.ts';
export type { ProxiedRequest } from './request.ts';
export type { StreamScript } from './stream.ts';

export type Decide = (request: ProxiedRequest) => Decision | Promise<Decision>;
export type ScriptOf = (request: ProxiedRequest) => StreamScript | undefined;

export interface FaultProxyOptions {
  /** The path of a kubeconfig for the server behind. */
  readonly kubeconfig: string;
  /** Left out: everything is forwarded. */
  readonly decide?: Decide;
  /** How a watch that was forwarded goes on; left out: as the server has it. */
  readonly watch?: ScriptOf;
}

/** A proxy between one client and the API server, on 127.0.0.1. */
export interface FaultProxy {
  /** The path of a kubeconfig that goes through the proxy, with the rights of the one behind. */
  readonly kubeconfig: string;
  /** Every request so far, in order of arrival. */
  readonly requests: readonly RecordedRequest[];
  /** For the requests from now on. */
  setDecide(decide: Decide): void;
  /** For the watches that open from now on. */
  setWatch(watch: ScriptOf): void;
  /** Closes every connection. May be called twice. */
  stop(): Promise<void>;
}

/** Starts a proxy that forwards what it is not told otherwise. */
export const startFaultProxy = async (options: FaultProxyOptions): Promise<FaultProxy> => {
  const upstreamConfig = new KubeConfig();
  upstreamConfig.loadFromFile(options.kubeconfig);
  const transport = createTransport(upstreamConfig);
  const stopping = new AbortController();
  const requests: Mutable<RecordedRequest>[] = [];
  let decide = options.decide ?? (() => forward);
  let scriptOf = options.watch ?? (() => undefined);

  const carryOut = createCarrier({ transport, scriptOf: (request) => scriptOf(request), stopping: stopping.signal });

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await textOf(request);
    const described = describeRequest(requests.length, request, body);
    const record = { ...described, atMs: Date.now(), outcome: undefined, upstreamStatus: undefined };
    requests.push(record);
    await carryOut({ request, response, record }, await decide(record));
  };

  const server = createServer((request, response) => {
    // The server behind is down or has broken off: so does the proxy, since an answer of its own would be an invention.
    serve(request, response).catch(() => request.socket.resetAndDestroy());
  });
  // A connection that the test wants silent is for the test to end, not for a limit of the server.
  Object.assign(server, { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0, timeout: 0 });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-faults-'));
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigFor(portOf(server.address())), { mode: 0o600 });

  return {
    kubeconfig,
    requests,
    setDecide: (next) => {
      decide = next;
    },
    setWatch: (next) => {
      scriptOf = next;
    },
    async stop() {
      stopping.abort(new Error('the proxy stops'));
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      transport.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
};

const textOf = async (request: IncomingMessage): Promise<string> => {
  request.setEncoding('utf8');
  const parts: string[] = [];
  for await (const part of request) parts.push(String(part));
  return parts.join('');
};

const portOf = (address: unknown): number => {
  if (typeof address === 'object' && address !== null && 'port' in address) return Number(address.port);
  throw new Error('the proxy has no port');
};

// JSON is YAML.
const kubeconfigFor = (port: number): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    // The client library takes plain HTTP only when told that TLS is not checked.
    clusters: [{ name: 'proxy', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'proxy', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
    'current-context': 'proxy',
  });
