import { connect } from 'node:net';
import { z } from 'zod';
import type { InfluxdbTask } from '../../../api/v1alpha1/sources/influxdb.ts';
import { RunError } from '../../../errors/run-error.ts';
import { errorCode } from '../../disk.ts';

/** How long the service may take to answer. `influxd backup` itself tries for minutes when nobody does. */
const answerMs = 10_000;

/** What the multiplexer of the port takes for the backup service. */
const mark = 3;

/** The kinds of question: all files of a shard, and which shards a database has. */
const kinds = { shardFiles: 0, databaseInfo: 3 } as const;

/** A question as the service reads it. */
export const question = (kind: keyof typeof kinds, asked: Readonly<Record<string, string | number>>): Buffer =>
  Buffer.concat([Buffer.from([mark, kinds[kind]]), Buffer.from(`${JSON.stringify(asked)}\n`)]);

/** Where the backup service (RPC) is. */
export interface BackupService {
  readonly host: string;
  readonly port: number;
}

/** That of a source. */
export const serviceOf = ({ host, rpcPort }: Pick<InfluxdbTask, 'host' | 'rpcPort'>): BackupService => ({
  host,
  port: rpcPort,
});

const answer = z.object({ Paths: z.array(z.string()).nullish() });

/** A shard that the backup service holds. */
export interface HeldShard {
  readonly policy: string;
  readonly id: string;
}

export interface BackupServiceOptions extends BackupService {
  readonly database: string;
}

/**
 * Asks the backup service (RPC) which shards it has of a database. This also proves that it is there and is what it should be.
 * @throws RunError SourceUnreachable
 */
export const heldShards = async (options: BackupServiceOptions, signal: AbortSignal): Promise<HeldShard[]> => {
  const { host, port, database } = options;
  const text = await ask(options, signal);
  try {
    return (answer.parse(JSON.parse(text)).Paths ?? []).map(shardOf);
  } catch (error) {
    const said = text === '' ? 'closed the connection without an answer' : 'answered with something else';
    throw new RunError(
      'SourceUnreachable',
      `Something listens at ${host}:${port}, but asked for the shards of "${database}" it ${said}: it is no backup service of InfluxDB, or that of another server. Check source rpcPort.`,
      { cause: error },
    );
  }
};

/** Whether anybody answers there at all: a database that is not there cannot be asked about. @throws RunError SourceUnreachable */
export const reachBackupService = async (options: BackupServiceOptions, signal: AbortSignal): Promise<void> => {
  await ask(options, signal);
};

const ask = ({ host, port, database }: BackupServiceOptions, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const parts: Buffer[] = [];
    const socket = connect({ host, port });
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.destroy();
      settle();
    };
    const fail = (words: string, cause?: unknown): void =>
      end(() =>
        reject(
          new RunError(
            'SourceUnreachable',
            `The backup service (RPC) at ${host}:${port} does not answer: ${words}. InfluxDB listens on loopback only unless bind-address is set.`,
            { cause },
          ),
        ),
      );
    const abort = (): void => end(() => reject(signal.reason as Error));
    const timer = setTimeout(() => fail(`no answer came within ${answerMs / 1000} s`), answerMs);
    signal.addEventListener('abort', abort, { once: true });
    socket.once('connect', () => socket.write(question('databaseInfo', { BackupDatabase: database })));
    socket.on('data', (part) => parts.push(part));
    socket.once('end', () => end(() => resolve(Buffer.concat(parts).toString('utf8'))));
    socket.once('error', (error) => {
      if (errorCode(error) === 'ECONNRESET') return end(() => resolve(''));
      return fail(error.message, error);
    });
  });

// <database>/<policy>/<id>; the names of databases that a policy may have hold no slash, but a retention policy's may.
const shardOf = (path: string): HeldShard => {
  const [, ...rest] = path.split('/');
  const id = rest.at(-1) ?? '';
  if (!/^\d+$/.test(id)) throw new Error(`the path of a shard is not understood: ${path}`);
  return { policy: rest.slice(0, -1).join('/'), id };
};
