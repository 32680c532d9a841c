import { request, type IncomingMessage } from 'node:http';

/** A request; with a body it is a POST of a form. */
export interface HttpRequest {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly form?: URLSearchParams;
}

/** A connection whose other end is gone is noticed by the system's own probes, which begin after so long. */
const probeAfterMs = 15_000;

/**
 * Asks a server, by a connection of its own, and gives its answer as it comes. No redirect is followed. Not by fetch(): its streams take as
 * long to read the points of a database as the server to send them, and it takes five minutes without a byte, which dropping a large
 * database can take, for the end.
 * @throws whatever breaks on the way, also while the answer is read; AbortError, with the reason as its cause
 */
export const ask = ({ host, port, path, headers, form }: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const sent = request(
      {
        host,
        port,
        path,
        signal,
        agent: false,
        method: form === undefined ? 'GET' : 'POST',
        headers: { ...headers, ...(form && { 'content-type': 'application/x-www-form-urlencoded' }) },
      },
      resolve,
    );
    sent.on('socket', (socket) => socket.setKeepAlive(true, probeAfterMs));
    sent.once('error', reject);
    sent.end(form?.toString());
  });
