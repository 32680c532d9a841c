import { createConnection, createServer, type Socket } from 'node:net';
import { freePort } from './ports.ts';

/** Where a session is cut: at which of the statements that match, and before the server has it or once it has answered. */
export interface Cut {
  readonly matching: RegExp;
  readonly at: number;
  readonly when: 'Before' | 'After';
  /** Called as everything is cut. */
  readonly cut: () => void;
}

/** Passes sessions on to a server on loopback, and counts the statements that clients send. */
export interface MysqlProxy {
  readonly host: string;
  readonly port: number;
  /** Counts from now on, and cuts every session at that statement; none is let in afterwards, until it is armed anew. */
  arm(cut: Cut | undefined): void;
  /** The statements that matched since it was armed. */
  readonly matched: string[];
  stop(): Promise<void>;
}

const query = 3;

export const startMysqlProxy = async (target: number): Promise<MysqlProxy> => {
  let armed: Cut | undefined;
  let isCut = false;
  const matched: string[] = [];
  const sockets = new Set<Socket>();
  const cutAll = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
    armed?.cut();
  };
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const upstream = createConnection({ host: '127.0.0.1', port: target });
    let answerCuts = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    const packets = packetReader();
    client.on('data', (chunk: Buffer) => {
      for (const statement of packets(chunk)) {
        if (armed === undefined || !armed.matching.test(statement)) continue;
        matched.push(statement);
        if (matched.length !== armed.at) continue;
        if (armed.when === 'Before') {
          cutAll();
          return;
        }
        answerCuts = true;
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk: Buffer) => {
      if (answerCuts) cutAll();
      else client.write(chunk);
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port,
    matched,
    arm(cut) {
      matched.length = 0;
      isCut = false;
      armed = cut;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** Reads what a client sends, and gives the statements in it: packets with the number 0 are commands. */
const packetReader = () => {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk: Buffer): string[] => {
    rest = Buffer.concat([rest, chunk]);
    const statements: string[] = [];
    while (rest.length >= 4) {
      const length = rest.readUIntLE(0, 3);
      if (rest.length < 4 + length) break;
      if (rest[3] === 0 && rest[4] === query) statements.push(rest.toString('utf8', 5, 4 + length));
      rest = rest.subarray(4 + length);
    }
    return statements;
  };
};
