import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { freePort } from './ports.ts';

/** What a proxy before the HTTP API does with the answer to a statement; `undefined` lets it pass. */
export type Interfere = (statement: string, answer: IncomingMessage, reply: ServerResponse) => boolean;

/** A proxy before a server's HTTP API. */
export interface InfluxdbProxy {
  readonly port: number;
  stop(): Promise<void>;
}

/** @param interfere true when it took the reply over */
export const startInfluxdbProxy = async (target: number, interfere: Interfere): Promise<InfluxdbProxy> => {
  const server = createServer((incoming, reply) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const body = Buffer.concat(parts);
      const { method, url, headers } = incoming;
      const onward = request({ host: '127.0.0.1', port: target, method, path: url, headers }, (answer) => {
        const statement = new URLSearchParams(body.toString()).get('q') ?? url ?? '';
        if (interfere(statement, answer, reply)) return;
        reply.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(reply);
      });
      onward.on('error', () => reply.destroy());
      onward.end(body);
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
