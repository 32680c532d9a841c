import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { Transport } from '../../src/kube/transport.ts';
import { forward, type Committed, type Decision } from './decision.ts';
import type { ProxiedRequest } from './request.ts';
import { relayWatch, type StreamScript } from './stream.ts';

/** A request and what became of it. */
export interface RecordedRequest extends ProxiedRequest {
  /** When it came, as Date.now(). */
  readonly atMs: number;
  /** What was decided; of `forwardThen` what the client saw in the end. Undefined while that is open. */
  readonly outcome: Decision['kind'] | undefined;
  /** What the server answered; undefined when it was not asked or said nothing. */
  readonly upstreamStatus: number | undefined;
}

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A request of the client that waits for its answer. */
export interface OpenCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: Mutable<RecordedRequest>;
}

interface Upstream {
  readonly transport: Transport;
  readonly scriptOf: (request: ProxiedRequest) => StreamScript | undefined;
  /** Ends what is under way. */
  readonly stopping: AbortSignal;
}

// About one connection and not about the message: the proxy has its own on either side.
const ofConnection = new Set(['host', 'connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'authorization']);

/** Carries out what was decided about calls, and notes it in their records. Rejects when the server is down or breaks off. */
export const createCarrier = ({ transport, scriptOf, stopping }: Upstream) => {
  /** The server's answer. A write goes on when the client has left, as it does once it is on the wire. */
  const ask = ({ request, response, record }: OpenCall): Promise<IncomingMessage> => {
    const left = new AbortController();
    if (!record.isWrite) response.once('close', () => left.abort());
    const signal = AbortSignal.any([stopping, left.signal]);
    const { method, body } = record;
    const headers = passedOn(request.headers);
    const path = request.url ?? '/';
    return transport.send({ method, path, headers, body: body === '' ? undefined : body, signal });
  };

  const relay = async (call: OpenCall): Promise<void> => {
    const answer = await ask(call);
    call.record.upstreamStatus = answer.statusCode;
    const script = call.record.isWatch && answer.statusCode === 200 ? scriptOf(call.record) : undefined;
    call.response.writeHead(answer.statusCode ?? 502, passedOn(answer.headers));
    call.response.flushHeaders();
    if (script === undefined) await pipeline(answer, call.response);
    else await relayWatch(answer, call.response, script);
  };

  const commitThen = async (
    call: OpenCall,
    after: (committed: Committed) => Promise<Decision | void>,
  ): Promise<void> => {
    const answer = await ask(call);
    const status = answer.statusCode ?? 502;
    call.record.upstreamStatus = status;
    const parts: Buffer[] = [];
    for await (const part of answer) parts.push(Buffer.from(part));
    const body = Buffer.concat(parts);
    const decision = (await after({ status, body: body.toString('utf8') })) ?? forward;
    if (decision.kind === 'delay') await wait(decision.ms, undefined, { signal: stopping });
    if (decision.kind !== 'forward' && decision.kind !== 'delay') return carryOut(call, decision);
    call.record.outcome = decision.kind;
    call.response.writeHead(status, passedOn(answer.headers)).end(body);
  };

  const carryOut = async (call: OpenCall, decision: Decision): Promise<void> => {
    call.record.outcome = decision.kind === 'forwardThen' ? undefined : decision.kind;
    switch (decision.kind) {
      case 'forward':
        return relay(call);
      case 'delay':
        await wait(decision.ms, undefined, { signal: stopping });
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

  return carryOut;
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
