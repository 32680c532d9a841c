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
    // For good: what breaks once the answer has begun is told by the answer, and would be handled by nobody here.
    sent.on('error', reject);
    sent.end(form?.toString());
  });

/** What a server says that its version is; empty when it says nothing, as no InfluxDB would. @throws as {@link ask} */
export const versionAt = async (
  server: Pick<HttpRequest, 'host' | 'port' | 'headers'>,
  signal: AbortSignal,
): Promise<string> => {
  const response = await ask({ ...server, path: '/ping' }, signal);
  response.destroy();
  return String(response.headers['x-influxdb-version'] ?? '');
};
