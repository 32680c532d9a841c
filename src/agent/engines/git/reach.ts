import { readdir } from 'node:fs/promises';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { RunError } from '../../../errors/run-error.ts';
import { errorCode } from '../../disk.ts';
import type { GitSession } from './session.ts';

const timeoutMs = 10_000;

/**
 * Whether anybody answers, or anything is there: git waits for minutes where nobody does. Who answers is not looked at here; ssh and curl do
 * that.
 * @throws RunError SourceUnreachable, SourceNotFound, AccessDenied
 */
export const reach = async (
  { address, url }: Pick<GitSession, 'address' | 'url'>,
  signal: AbortSignal,
): Promise<void> => {
  if (address.by === 'path') return reachPath(address.path, url);
  const { by, host, port } = address;
  const problem = await answerOf(
    by === 'https' ? openTls(host, port) : connect({ host, port }),
    signal,
    by === 'https',
  );
  signal.throwIfAborted();
  if (problem === undefined) return;
  throw new RunError('SourceUnreachable', `The git server ${host}:${port} does not answer: ${problem}.`);
};

// curl has five minutes for the handshake, and no option of git shortens them.
const openTls = (host: string, port: number): Socket =>
  connectTls({ host, port, rejectUnauthorized: false, ...(isIP(host) === 0 && { servername: host }) });

/** Why there was no answer; undefined when there was one. A handshake that fails is an answer: git says more about it. */
const answerOf = async (socket: Socket, signal: AbortSignal, tls: boolean): Promise<string | undefined> => {
  let connected = false;
  const give = (): void => void socket.destroy(new Error('stopped'));
  signal.addEventListener('abort', give, { once: true });
  try {
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(`it says nothing within ${timeoutMs / 1000} s`), timeoutMs);
      const done = (why?: string): void => {
        clearTimeout(timer);
        resolve(why);
      };
      socket.once('connect', () => {
        connected = true;
        if (!tls) done();
      });
      socket.once('secureConnect', () => done());
      socket.once('error', (error) => done(connected ? undefined : wordsOf(error)));
      socket.once('close', () => done(connected ? undefined : 'the connection was closed'));
    });
  } finally {
    signal.removeEventListener('abort', give);
    socket.on('error', () => undefined);
    socket.destroy();
  }
};

const wordsOf = (error: Error): string => (error.message === '' ? (errorCode(error) ?? 'unknown') : error.message);

const reachPath = async (path: string, mounted: string): Promise<void> => {
  try {
    await readdir(mounted);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new RunError('SourceNotFound', `There is no directory ${path} on the claim.`, { cause: error });
    }
    const detail = `The directory ${path} on the claim cannot be read (${code ?? 'unknown'}): user 65532 must be able to.`;
    throw new RunError('AccessDenied', detail, { cause: error });
  }
};
