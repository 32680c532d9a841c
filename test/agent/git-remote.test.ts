import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { outcomeOf, type AgentEnd } from './support/agent.ts';
import { makeDirectory } from './support/directories.ts';
import { bySsh, makeGitBench, type GitBench, type GitInput } from './support/git-bench.ts';
import { startGitHttps, type GitHttps } from './support/git-https.ts';
import { addOddities, contentOf, makeRepository, restoreCopy, serve } from './support/git-repository.ts';
import { freePort } from './support/ports.ts';
import { startCuttingProxy } from './support/ssh-proxy.ts';
import { makeKeyPair, startBackupHost, type BackupHost } from './support/ssh.ts';

const account = { username: 'deploy', password: 'pa$$ "word" õ' };

let place: Awaited<ReturnType<typeof makeDirectory>>;
let host: BackupHost;
let https: GitHttps;
let bench: GitBench;
const served = (): string => join(place.path, 'srv/ops/ansible.git');

beforeAll(async () => {
  host = await startBackupHost();
  place = await makeDirectory();
  await makeRepository(join(place.path, 'tree'));
  await addOddities(join(place.path, 'tree'));
  await serve(join(place.path, 'tree'), served());
  https = await startGitHttps({ directory: join(place.path, 'srv'), account });
}, 120_000);
afterAll(async () => {
  await https?.stop();
  await host?.stop();
  await place?.remove();
});
beforeEach(async () => {
  https.answerWith(undefined);
  bench = await makeGitBench((files) => bySsh(host, served(), files));
});
afterEach(() => bench?.remove());

interface HttpsOptions {
  readonly url?: string;
  readonly keys?: Readonly<Record<string, string>> | undefined;
  readonly ca?: string | undefined;
}

const byHttps = async (options: HttpsOptions = {}): Promise<GitInput> => {
  const { url = `https://127.0.0.1:${https.port}/ops/ansible.git` } = options;
  const keys = 'keys' in options ? options.keys : account;
  const ca = 'ca' in options ? options.ca : https.ca;
  return {
    url,
    access: {
      by: 'https',
      ...(keys && { credentials: { directory: await bench.files.secret('git-account', keys), secret: 'git-account' } }),
      ...(ca && { ca: { directory: await bench.files.secret('git-ca', { 'ca.crt': ca }), secret: 'git-ca' } }),
    },
  };
};

/** What a run that succeeded brought, restored by plain git. */
const restoredFrom = async (end: AgentEnd): ReturnType<typeof contentOf> => {
  expect(outcomeOf(end)).toBe('Succeeded');
  return contentOf(await restoreCopy(await bench.newest(), join(bench.files.scratch, 'restored.git')));
};

/** The outcome, after looking at what holds after every failure: nothing half made is left, no copy counts, no secret is shown. */
const failureIn = async (end: AgentEnd): Promise<string> => {
  expect(end.exitCode).toBe(1);
  expect(end.result.newest).toEqual({});
  expect(await bench.copies()).toEqual([]);
  expect((await bench.ledger()).copies).toEqual([]);
  expect(await readdir(bench.files.scratch)).toEqual([]);
  for (const secret of [account.password, Buffer.from(`${account.username}:${account.password}`).toString('base64')]) {
    expect(end.log).not.toContain(secret);
    expect(JSON.stringify(end.result)).not.toContain(secret);
  }
  return outcomeOf(end).replace(/^Failed: /, '');
};

describe('over SSH', () => {
  test('a repository is copied whole', async () => {
    expect(await restoredFrom(await bench.dump())).toEqual(await contentOf(served()));
  }, 60_000);

  test('a host key that is not in knownHosts is refused', async () => {
    const { publicKey } = await makeKeyPair(bench.files.claim, 'other');
    const knownHosts = `[127.0.0.1]:${host.port} ${publicKey.split(' ').slice(0, 2).join(' ')}`;
    const end = await bench.dump({ git: await bySsh(host, served(), bench.files, { knownHosts }) });
    expect(await failureIn(end)).toBe('SourceHostKeyMismatch at Connect');
  });

  test('a key that the server does not know, one that is none, and one that is missing', async () => {
    const git = await bySsh(host, served(), bench.files);
    const { privateKey } = await makeKeyPair(bench.files.claim, 'stranger');
    await bench.files.secret('git-key', { 'ssh-privatekey': privateKey });
    expect(await failureIn(await bench.dump({ git }))).toBe('AccessDenied at Connect');
    await bench.files.secret('git-key', { 'ssh-privatekey': 'no key\n' });
    expect(await failureIn(await bench.dump({ git }))).toBe('SecretInvalid at Prepare');
    const access = { ...git.access, key: { directory: join(bench.files.scratch, 'none'), secret: 'git-key' } };
    expect(await failureIn(await bench.dump({ git: { ...git, access } as GitInput }))).toBe('SecretMissing at Prepare');
  });

  test('a repository that is not there', async () => {
    const end = await bench.dump({ git: await bySsh(host, '/nowhere/ansible.git', bench.files) });
    expect(await failureIn(end)).toBe('SourceNotFound at Connect');
  });

  test.each([1, 40, 90])(
    'a connection that is cut at %d %% of the fetch',
    async (percent) => {
      // Bytes that the server sends are counted by what a whole copy has.
      const proxy = await startCuttingProxy(host.port, { count: 'received' });
      try {
        const git = await bySsh(host, served(), bench.files, { port: proxy.port });
        expect(await restoredFrom(await bench.dump({ git }))).toEqual(await contentOf(served()));
        const whole = proxy.counted();
        await bench.remove();
        bench = await makeGitBench((files) => bySsh(host, served(), files, { port: proxy.port }));
        // The list of refs, asked for twice, is small against the objects of the sample.
        proxy.cutAfter(Math.floor(whole * 0.05 + (whole * 0.9 * percent) / 100));
        expect(await failureIn(await bench.dump())).toBe('DumpTruncated at Dump');
      } finally {
        await proxy.stop();
      }
    },
    90_000,
  );
});

describe('over HTTPS', () => {
  test('a repository is copied whole, by name and password', async () => {
    expect(await restoredFrom(await bench.dump({ git: await byHttps() }))).toEqual(await contentOf(served()));
    expect([...https.authorizations]).toEqual([
      `Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}`,
    ]);
  }, 60_000);

  test('a public repository needs no account', async () => {
    const open = await startGitHttps({ directory: join(place.path, 'srv') });
    try {
      const url = `https://127.0.0.1:${open.port}/ops/ansible.git`;
      expect(
        await restoredFrom(await bench.dump({ git: await byHttps({ url, keys: undefined, ca: open.ca }) })),
      ).toEqual(await contentOf(served()));
    } finally {
      await open.stop();
    }
  }, 60_000);

  test.each([
    { what: 'no authority is given', options: () => ({ ca: undefined }), expected: 'SourceNotTrusted at Connect' },
    {
      what: 'the authority is another one',
      options: () => ({ ca: https.otherCa }),
      expected: 'SourceNotTrusted at Connect',
    },
    { what: 'the authority is no certificate', options: () => ({ ca: 'none' }), expected: 'SecretInvalid at Prepare' },
    {
      what: 'the password is wrong',
      options: () => ({ keys: { ...account, password: 'wrong' } }),
      expected: 'AccessDenied at Connect',
    },
    { what: 'no account is given', options: () => ({ keys: undefined }), expected: 'AccessDenied at Connect' },
    {
      what: 'the Secret lacks the password',
      options: () => ({ keys: { username: 'deploy' } }),
      expected: 'SecretMissing at Prepare',
    },
    {
      what: 'the repository is not there',
      options: () => ({ url: `https://127.0.0.1:${https.port}/ops/gone.git` }),
      expected: 'SourceNotFound at Connect',
    },
    {
      what: 'nothing listens',
      options: async () => ({ url: `https://127.0.0.1:${await freePort()}/ops/ansible.git` }),
      expected: 'SourceUnreachable at Connect',
    },
    {
      what: 'the name is unknown',
      options: () => ({ url: 'https://nowhere.invalid/ops/ansible.git' }),
      expected: 'SourceUnreachable at Connect',
    },
  ])(
    '$what',
    async ({ options, expected }) => {
      const end = await bench.dump({ git: await byHttps(await options()) });
      expect(await failureIn(end)).toBe(expected);
      expect(end.seconds).toBeLessThan(40);
    },
    60_000,
  );

  test('a certificate for another name', async () => {
    const other = await startGitHttps({ directory: join(place.path, 'srv'), names: ['DNS:git.example.com'] });
    try {
      const url = `https://127.0.0.1:${other.port}/ops/ansible.git`;
      const end = await bench.dump({ git: await byHttps({ url, ca: other.ca }) });
      expect(await failureIn(end)).toBe('SourceNotTrusted at Connect');
      expect([...other.authorizations]).toEqual([]);
    } finally {
      await other.stop();
    }
  });

  test('a redirect is not followed: another host would be given the password', async () => {
    const other = await startGitHttps({ directory: join(place.path, 'srv') });
    try {
      https.answerWith((request, response) => {
        response.writeHead(302, { location: `https://127.0.0.1:${other.port}${request.url ?? ''}` }).end();
        return true;
      });
      const end = await bench.dump({ git: await byHttps() });
      expect(await failureIn(end)).toBe('SourceNotFound at Connect');
      expect([...other.authorizations]).toEqual([]);
    } finally {
      await other.stop();
    }
  });

  test.each([
    { status: 403, expected: 'AccessDenied at Connect' },
    { status: 500, expected: 'SourceUnreachable at Connect' },
    { status: 503, expected: 'SourceUnreachable at Connect' },
  ])('an answer of $status', async ({ status, expected }) => {
    https.answerWith((_request, response) => {
      response.writeHead(status).end('no\n');
      return true;
    });
    expect(await failureIn(await bench.dump({ git: await byHttps() }))).toBe(expected);
  });

  test('a server that breaks off while it sends objects', async () => {
    https.answerWith((request, response) => {
      if (request.method !== 'POST') return false;
      const write = response.write.bind(response);
      let sent = 0;
      response.write = ((part: Buffer) => {
        sent += part.length;
        if (sent > 500_000) request.socket.destroy();
        return write(part);
      }) as typeof response.write;
      return false;
    });
    expect(await failureIn(await bench.dump({ git: await byHttps() }))).toBe('DumpTruncated at Dump');
  });

  test('the password is in no argument and no environment of a process', async () => {
    const seen = new Set<string>();
    // Slow enough for all that runs to be seen, on a machine that has other work as well.
    https.answerWith(() => sleep(1500, false));
    const agent = await bench.start({ git: await byHttps() });
    const over = new AbortController();
    void agent.end.finally(() => over.abort());
    while (!over.signal.aborted) {
      for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
        for (const file of ['cmdline', 'environ'])
          seen.add(await readFile(join('/proc', pid, file), 'latin1').catch(() => ''));
      }
      await sleep(10);
    }
    const end = await agent.end;
    expect(outcomeOf(end)).toBe('Succeeded');
    const text = [...seen].join('\n');
    // Truth values, since a failure would print what every process of the machine has in its environment.
    expect(text.includes('remote-https')).toBe(true);
    expect(text.includes(Buffer.from(account.password).toString('latin1'))).toBe(false);
    expect(end.log.includes(account.password)).toBe(false);
  }, 60_000);
});

describe('a server that says nothing', () => {
  let silent: Server;
  let port: number;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    port = await freePort();
    silent = createServer((socket) => void sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  test('over SSH', async () => {
    const end = await bench.dump({ git: await bySsh(host, served(), bench.files, { port }) });
    expect(await failureIn(end)).toBe('SourceUnreachable at Connect');
    expect(end.seconds).toBeLessThan(40);
  }, 60_000);

  test('over HTTPS, after the handshake', async () => {
    https.answerWith(() => true);
    const end = await bench.dump({ git: await byHttps() });
    expect(await failureIn(end)).toBe('SourceUnreachable at Connect');
    expect(end.seconds).toBeLessThan(50);
  }, 90_000);

  test('over HTTPS', async () => {
    const url = `https://127.0.0.1:${port}/ops/ansible.git`;
    const end = await bench.dump({ git: await byHttps({ url }) });
    expect(await failureIn(end)).toBe('SourceUnreachable at Connect');
    expect(end.seconds).toBeLessThan(40);
  }, 60_000);
});
