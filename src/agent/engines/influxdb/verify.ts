import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InfluxdbSandbox } from '../../../api/v1alpha1/sources/influxdb.ts';
import type { VerifyTask } from '../../../api/v1alpha1/task.ts';
import { RunError } from '../../../errors/run-error.ts';
import type { RunContext } from '../../run.ts';
import { bytesBelow, freeBytes, loadShortage, sizeWords } from '../../space.ts';
import type { VerifyEngine } from '../../verify/engine.ts';
import { readFacts } from '../../verify/read-facts.ts';
import { compareFacts } from './compare-facts.ts';
import { comparedWhenSettled } from './compare-settled.ts';
import { influxdbFacts } from './facts.ts';
import { versionAt } from './http.ts';
import { lifeOf } from './life.ts';
import { listDatabases, loadBackup } from './load.ts';
import { runQuery } from './run-query.ts';
import { createServer, StatementError, type InfluxServer } from './server.ts';
import { identifier } from './statements.ts';
import { fullBytes, whileRoom } from './while-room.ts';

type Context = RunContext<VerifyTask>;

const host = '127.0.0.1';
const pollMs = 250;
const pingMs = 5000;

/** Loads a portable backup into a scratch server of InfluxDB 1.x on loopback, counts it and compares. */
export const createInfluxdbVerifier = ({ httpPort, rpcPort }: InfluxdbSandbox): VerifyEngine => {
  const server = createServer({ host, port: httpPort });
  // A server that ends is started anew, and is empty then: what is missing in it says nothing about the backup.
  let life: string | undefined;

  const alive = async (signal: AbortSignal): Promise<void> => {
    const now = await sameLife(server, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw gone('stopped', error);
    });
    if (life !== undefined && now !== life) throw gone('stopped and was started anew, empty');
  };

  /** What fails is the server's end when it has ended meanwhile, and nothing counts that it answered after. */
  const guarded = async <T>({ signal }: Context, work: () => Promise<T>): Promise<T> => {
    let outcome: { done: T } | { failed: unknown };
    try {
      outcome = { done: await work() };
    } catch (error) {
      outcome = { failed: error };
    }
    signal.throwIfAborted();
    await alive(signal);
    if ('done' in outcome) return outcome.done;
    throw ofSandbox(outcome.failed);
  };

  return {
    async start({ task, signal, log }) {
      const version = await answering({ httpPort, rpcPort, seconds: task.startSeconds, signal });
      log.info('the scratch server answers', { version });
      if (version.startsWith('1.'))
        life = await sameLife(server, signal).catch((error: unknown) => Promise.reject(ofSandbox(error)));
      return `influxdb ${version}`;
    },
    async unsuitable(directory, running) {
      const { server: source } = await readFacts(influxdbFacts, directory);
      const [wanted, has] = [releaseOf(source.version), releaseOf(running.replace(/^influxdb /, ''))];
      if (running.startsWith('influxdb ') && wanted !== undefined && wanted === has) return undefined;
      return `The source was InfluxDB ${wanted ?? source.version}, and the scratch server is ${running}: it needs an image of influxdb ${wanted ?? source.version}.`;
    },
    async load(context, directory) {
      const { task } = context;
      const { database } = await readFacts(influxdbFacts, directory);
      const [free, backup] = [await freeBytes(task.fetched), await bytesBelow(directory)];
      const shortage = loadShortage({ free, backup });
      if (shortage !== undefined) throw new RunError('SandboxTooSmall', shortage);
      await whileRoom(context, (limited) =>
        guarded(limited, async () => {
          const held = await listDatabases(server, limited.signal);
          if (held.length > 0) throw gone(`is not empty: it has the database ${held.join(', ')}`);
          await loadBackup(limited, server, { host, rpcPort, directory, database });
        }),
      );
    },
    async compare(context, directory) {
      const facts = await readFacts(influxdbFacts, directory);
      const { compared } = await whileRoom(context, (limited) =>
        guarded(limited, () =>
          comparedWhenSettled(limited, server, {
            facts,
            database: facts.database,
            compare: (found) => compareFacts(facts, found),
          }),
        ),
      );
      if (compared.mismatches.length === 0) return compared;
      const free = await freeBytes(context.task.fetched);
      if (free > fullBytes) return compared;
      throw new RunError(
        'SandboxTooSmall',
        `The scratch space is full (${sizeWords(free)} free), and the server does not hold all that was loaded.`,
      );
    },
    async query(context, directory, statement) {
      const { database } = await readFacts(influxdbFacts, directory);
      return guarded(context, () => runQuery(server, { database, statement, signal: context.signal }));
    },
    clear: (context) =>
      guarded(context, async () => {
        for (const name of await listDatabases(server, context.signal)) {
          await server.show(`DROP DATABASE ${identifier(name)}`, context.signal);
        }
        const left = await listDatabases(server, context.signal);
        if (left.length > 0) throw gone(`could not be emptied: it still has the database ${left.join(', ')}`);
      }),
  };
};

const gone = (what: string, cause?: unknown): RunError =>
  new RunError('SandboxUnavailable', `The scratch server (InfluxDB) ${what}.`, { cause });

/** An error of the scratch server, where the code that dumps speaks of a source. */
const ofSandbox = (error: unknown): unknown => {
  if (error instanceof StatementError) return gone(`did not answer a question: ${error.message}`, error);
  if (!(error instanceof RunError)) return error;
  const ofServer = ['SourceUnreachable', 'AccessDenied', 'PrivilegeMissing'].includes(error.reason);
  return ofServer ? new RunError('SandboxUnavailable', error.detail, { cause: error }) : error;
};

/** Major and minor version. */
const releaseOf = (version: string): string | undefined => /^v?(\d+\.\d+)(?!\d)/.exec(version)?.[1];

/** The life of the scratch server, which is to be the same all the time. */
const sameLife = async (server: InfluxServer, signal: AbortSignal): Promise<string> => {
  const life = await lifeOf(server, signal);
  if (life === undefined) throw gone('does not say since when it runs');
  return life;
};

interface Awaited {
  readonly httpPort: number;
  readonly rpcPort: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** Waits until both ports of the server answer; gives its version. */
const answering = async ({ httpPort, rpcPort, seconds, signal }: Awaited): Promise<string> => {
  const giveUp = Date.now() + seconds * 1000;
  for (;;) {
    const version = await versionOf(httpPort, signal);
    // Another release may have no backup service: that it is another is told, not that it does not answer.
    if (version !== undefined && (!version.startsWith('1.') || (await listens(rpcPort)))) return version;
    signal.throwIfAborted();
    if (Date.now() >= giveUp) {
      const port = version === undefined ? `port ${httpPort} (HTTP)` : `port ${rpcPort} (backup service)`;
      throw gone(`did not answer at ${port} within ${seconds} s`);
    }
    await sleep(pollMs, undefined, { signal });
  }
};

const versionOf = async (port: number, signal: AbortSignal): Promise<string | undefined> => {
  try {
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(pingMs)]);
    const version = (await versionAt({ host, port, headers: {} }, inTime)).replace(/^v/, '');
    return version === '' ? undefined : version;
  } catch {
    return undefined;
  }
};

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: pingMs });
    const end = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', end(true));
    socket.once('timeout', end(false));
    socket.once('error', end(false));
  });
