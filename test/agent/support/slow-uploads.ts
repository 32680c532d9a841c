import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './ports.ts';

/** The first bytes of a connection that brings the backup service a shard. */
const shardUpload = Buffer.from([3, 7]);

/** Bytes that name the kind of question and the shard: with them the server closes the shard, until it has the rest. */
const headLength = 10;

export interface SlowUploads {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * A backup service that takes shards late: `influxd restore` has sent them and ended by then. Which shard it is comes after `headMs`, its
 * points after `restMs`.
 */
export const startSlowUploads = async (
  target: number,
  { headMs, restMs }: { headMs: number; restMs: number },
): Promise<SlowUploads> => {
  const sockets = new Set<Socket>();
  const late = async (socket: Socket, onward: Socket, first: Buffer): Promise<void> => {
    const parts = [first];
    socket.on('data', (part: Buffer) => parts.push(part));
    const sent = new Promise((resolve) => socket.once('end', resolve));
    await sleep(headMs);
    onward.write(first.subarray(0, headLength));
    await Promise.all([sent, sleep(restMs - headMs)]);
    onward.end(Buffer.concat(parts).subarray(headLength));
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const onward = connect({ host: '127.0.0.1', port: target, allowHalfOpen: true });
    for (const each of [socket, onward]) {
      sockets.add(each);
      each.on('error', () => undefined);
    }
    onward.pipe(socket);
    const began: Buffer[] = [];
    const begin = (part: Buffer): void => {
      began.push(part);
      const first = Buffer.concat(began);
      if (first.length < headLength) return;
      socket.off('data', begin);
      if (first.subarray(0, shardUpload.length).equals(shardUpload)) return void late(socket, onward, first);
      onward.write(first);
      socket.pipe(onward);
    };
    socket.on('data', begin);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
