import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { createTransport } from '../../src/kube/transport.ts';
import { describeRequest, type ProxiedRequest } from './request.ts';
import { relayWatch, type StreamScript } from './stream.ts';

export type { ProxiedRequest } from './request.ts';
export type { StreamScript } from './stream.ts';

/** What the proxy does with a request. */
export type Decision =
  | { readonly kind: 'forward' }
  /** Forwarded after a while. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Never reaches the server. Without a body, a Status of that code. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  /** The server has carried it out; `after` says what the client sees of it: the server's answer (nothing, `forward`), or anything else. */
  | { readonly kind: 'forwardThen'; readonly after: (committed: Committed) => Promise<Decision | void> }
  /** The connection is reset before the server has seen anything. */
  | { readonly kind: 'reset' }
  /** Half-open: the socket stays open and nothing comes. */
  | { readonly kind: 'hang' };

/** What the server answered. */
export interface Committed {
  readonly status: number;
  readonly body: string;
}

/** A request and what became of it. */
export interface RecordedRequest extends ProxiedRequest {
  /** When it came, as Date.now(). */
  readonly atMs: number;
  /** What was decided; of `forwardThen` what the client saw in the end. Undefined while that is open. */
  readonly outcome: Decision['kind'] | undefined;
  /** What the server answered; undefined when it was not asked or said nothing. */
  readonly upstreamStatus: number | undefined;
}

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

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Call = { request: IncomingMessage; response: ServerResponse; record: Mutable<RecordedRequest> };

const forward: Decision = { kind: 'forward' };
// About one connection and not about the message: the proxy has its own on either side.
const ofConnection = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'authorization']);

/** Starts a proxy that forwards what it is not told otherwise. */
export const startFaultProxy = async (options: FaultProxyOptions): Promise<FaultProxy> => {
  const upstreamConfig = new KubeConfig();
  upstreamConfig.loadFromFile(options.kubeconfig);
  const transport = createTransport(upstreamConfig);
  const stopping = new AbortController();
  const requests: Mutable<RecordedRequest>[] = [];
  let decide = options.decide ?? (() => forward);
  let scriptOf = options.watch ?? (() => undefined);

  /** The server's answer. A write goes on when the client has left, as it does once it is on the wire. */
  const ask = ({ request, response, record }: Call): Promise<IncomingMessage> => {
    const left = new AbortController();
    if (!record.isWrite) response.once('close', () => left.abort());
    const signal = AbortSignal.any([stopping.signal, left.signal]);
    const { method, body } = record;
    const headers = passedOn(request.headers);
    const path = request.url ?? '/';
    return transport.send({ method, path, headers, body: body === '' ? undefined : body, signal });
  };

  const relay = async (call: Call): Promise<void> => {
    const answer = await ask(call);
    call.record.upstreamStatus = answer.statusCode;
    const script = call.record.isWatch && answer.statusCode === 200 ? scriptOf(call.record) : undefined;
    call.response.writeHead(answer.statusCode ?? 502, passedOn(answer.headers));
    call.response.flushHeaders();
    if (script === undefined) await pipeline(answer, call.response);
    else await relayWatch(answer, call.response, script);
  };

  const commitThen = async (call: Call, after: (committed: Committed) => Promise<Decision | void>): Promise<void> => {
    const answer = await ask(call);
    const status = answer.statusCode ?? 502;
    call.record.upstreamStatus = status;
    const parts: Buffer[] = [];
    for await (const part of answer) parts.push(Buffer.from(part));
    const body = Buffer.concat(parts);
    const decision = (await after({ status, body: body.toString('utf8') })) ?? forward;
    if (decision.kind === 'delay') await wait(decision.ms, undefined, { signal: stopping.signal });
    if (decision.kind !== 'forward' && decision.kind !== 'delay') return carryOut(call, decision);
    call.record.outcome = decision.kind;
    call.response.writeHead(status, passedOn(answer.headers)).end(body);
  };

  const carryOut = async (call: Call, decision: Decision): Promise<void> => {
    call.record.outcome = decision.kind === 'forwardThen' ? undefined : decision.kind;
    switch (decision.kind) {
      case 'forward':
        return relay(call);
      case 'delay':
        await wait(decision.ms, undefined, { signal: stopping.signal });
        return relay(call);
      case 'forwardThen':
        return commitThen(call, decision.after);
      case 'answer':
        return answerWith(call.response, decision);
      case 'reset':
        call.request.socket.resetAndDestroy();
        return;
      case 'hang':
    }
  };

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

const answerWith = (response: ServerResponse, decision: Extract<Decision, { kind: 'answer' }>): void => {
  const { status, headers = {} } = decision;
  const body = decision.body ?? { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, message: 'fault' };
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};

const passedOn = (headers: OutgoingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !ofConnection.has(name))
      .map(([name, value]) => [name, String(value)]),
  );

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
