import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { createAuthority } from '../../cluster/pki.ts';
import { makeDirectory } from './directories.ts';

/** How the server answers: by git, or as the test wants. Gives back true when it answered. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

export interface GitHttps {
  readonly port: number;
  /** The authority that the server's certificate is by, in PEM. */
  readonly ca: string;
  /** An authority that has nothing to do with it. */
  readonly otherCa: string;
  /** The `Authorization` headers that were sent, each once. */
  readonly authorizations: ReadonlySet<string>;
  /** Puts something in front of git. */
  answerWith(answer: Answer | undefined): void;
  stop(): Promise<void>;
}

export interface GitHttpsOptions {
  /** What is below the server's root. */
  readonly directory: string;
  /** Without one, everybody may read. */
  readonly account?: { readonly username: string; readonly password: string };
  /** What the certificate is for; the address of the server unless told. */
  readonly names?: readonly string[];
}

/** A git server over HTTPS of a test's own: git's http-backend behind a server with a certificate by an authority of its own. */
export const startGitHttps = async ({
  directory,
  account,
  names = ['IP:127.0.0.1'],
}: GitHttpsOptions): Promise<GitHttps> => {
  const place = await makeDirectory();
  const other = await makeDirectory();
  const authority = await createAuthority(place.path);
  const stranger = await createAuthority(other.path);
  const { certificateFile, keyFile } = await authority.issue({ commonName: 'git', subjectAltNames: names });
  const authorizations = new Set<string>();
  let answer: Answer | undefined;
  const expected = account && `Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}`;
  const tls = { cert: await readFile(certificateFile), key: await readFile(keyFile) };
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { authorization } = request.headers;
    if (authorization !== undefined) authorizations.add(authorization);
    if ((await answer?.(request, response)) === true) return;
    if (expected !== undefined && authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('no\n');
      return;
    }
    runBackend(directory, request, response);
  };
  const server = createServer(tls, (request, response) => void respond(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return {
    port: address.port,
    ca: await readFile(authority.certificateFile, 'utf8'),
    otherCa: await readFile(stranger.certificateFile, 'utf8'),
    authorizations,
    answerWith(next) {
      answer = next;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
      await place.remove();
      await other.remove();
    },
  };
};

/** CGI, as https://git-scm.com/docs/git-http-backend asks for it. */
const runBackend = (directory: string, request: IncomingMessage, response: ServerResponse): void => {
  const { pathname, search } = new URL(request.url ?? '/', 'https://localhost');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      GIT_PROJECT_ROOT: directory,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => undefined);
  let head: Buffer | undefined = Buffer.alloc(0);
  child.stdout.on('data', (part: Buffer) => {
    if (head === undefined) return void response.write(part);
    head = Buffer.concat([head, part]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    const lines = head.subarray(0, end).toString('latin1').split('\r\n');
    const headers = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
    const status = headers.find(([name]) => name?.toLowerCase() === 'status')?.[1];
    for (const [name = '', value = ''] of headers) if (name.toLowerCase() !== 'status') response.setHeader(name, value);
    response.writeHead(Number(status?.slice(0, 3) ?? 200));
    response.write(head.subarray(end + 4));
    head = undefined;
  });
  child.once('close', () => void response.end());
};
