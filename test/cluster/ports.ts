import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below Linux's range for outgoing connections (ip_local_port_range, 32768 up): a server stopped for a while finds its port free again.
const [FIRST, LAST] = [20_000, 32_000];

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });

/** Ports of 127.0.0.1 that nobody listens on now. Another process may still take one: be ready to try again. */
export const freePorts = async (count: number): Promise<number[]> => {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(FIRST, LAST);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
};
