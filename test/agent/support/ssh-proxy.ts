import { createServer, connect, type Socket } from 'node:net';

/** A TCP proxy that breaks connections when told. */
export interface CuttingProxy {
  readonly port: number;
  /** Bytes that clients sent so far. */
  readonly sent: () => number;
  /** Bytes that are counted: those that clients sent, unless told otherwise. */
  readonly counted: () => number;
  /** From now on, every connection is cut once this many bytes more were counted in all; new ones are cut at once. */
  cutAfter(bytes: number): void;
  stop(): Promise<void>;
}

/** Passes connections on to a loopback port until it is told to cut them. */
export const startCuttingProxy = async (
  target: number,
  { count = 'sent' }: { count?: 'sent' | 'received' } = {},
): Promise<CuttingProxy> => {
  const open = new Set<Socket>();
  let sent = 0;
  let received = 0;
  let limit = Infinity;
  const counted = (): number => (count === 'sent' ? sent : received);
  const cut = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (data) => {
      sent += data.length;
      if (counted() >= limit) cut();
      else upstream.write(data);
    });
    upstream.on('data', (data) => {
      received += data.length;
      if (counted() >= limit) cut();
      else client.write(data);
    });
    upstream.once('end', () => client.end());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    port: address.port,
    sent: () => sent,
    counted,
    cutAfter(bytes) {
      limit = counted() + bytes;
    },
    async stop() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
};
