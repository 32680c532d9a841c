import { connect, createServer, type Socket } from 'node:net';

/** A way to a loopback port that counts what clients send. */
export interface CountingProxy {
  readonly port: number;
  /** Bytes that clients sent so far. */
  sent(): number;
  stop(): Promise<void>;
}

export const startCountingProxy = async (target: number): Promise<CountingProxy> => {
  const open = new Set<Socket>();
  let sent = 0;
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => open.delete(socket));
    }
    client.on('data', (data) => {
      sent += data.length;
    });
    client.pipe(upstream);
    upstream.pipe(client);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    port: address.port,
    sent: () => sent,
    async stop() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
};
