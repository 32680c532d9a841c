import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outcomeOf } from './support/agent.ts';
import type { Authority, Certificate } from '../cluster/pki.ts';
import { makeAuthorities, type Authorities } from './support/certificates.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, benchDatabase, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { makePrograms } from './support/programs.ts';

/** A server with TLS whose certificate the tests change, one without TLS, and one policy's files. */
let authorities: Authorities;
let trusted: Authority;
let stranger: Authority;
let good: Certificate;
let server: MariadbServer;
let plain: MariadbServer;
let bench: MysqlBench;

const shown = (part: 'crt' | 'key'): string => join(authorities.path, `shown.${part}`);

const show = async ({ certificateFile, keyFile }: Certificate): Promise<void> => {
  await copyFile(certificateFile, shown('crt'));
  await copyFile(keyFile, shown('key'));
};

const issue = (authority: Authority, subjectAltNames: readonly string[]): Promise<Certificate> =>
  authority.issue({ commonName: 'somebody', subjectAltNames });

const expired = async (names: readonly string[]): Promise<Certificate> =>
  authorities.expire(trusted, await issue(trusted, names));

/** Makes the server show another certificate from now on. */
const swap = async (issued: Certificate): Promise<void> => {
  await show(issued);
  await server.admin((connection) => connection.query('FLUSH SSL'));
};

beforeAll(async () => {
  authorities = await makeAuthorities();
  trusted = await authorities.make('trusted');
  stranger = await authorities.make('stranger');
  good = await issue(trusted, ['IP:127.0.0.1']);
  await show(good);
  const options = [`--ssl-ca=${trusted.certificateFile}`, `--ssl-cert=${shown('crt')}`, `--ssl-key=${shown('key')}`];
  [server, plain] = await Promise.all([startMariadb(options), startMariadb()]);
  await Promise.all([server, plain].map((each) => each.prepare({ database: benchDatabase, ...benchAccount, rows: 5 })));
}, 60_000);
afterAll(async () => {
  await Promise.all([server?.stop(), plain?.stop()]);
  await authorities?.remove();
});
beforeEach(async () => {
  bench = await makeMysqlBench(server);
});
afterEach(async () => {
  await swap(good);
  await bench?.remove();
});

const caOf = async (authority: Authority) => ({
  directory: await bench.files.secret('mysql-ca', { 'ca.crt': await readFile(authority.certificateFile, 'utf8') }),
  secret: 'mysql-ca',
});

const certificateOf = async ({ certificateFile, keyFile }: Certificate) => ({
  directory: await bench.files.secret('mysql-client', {
    'tls.crt': await readFile(certificateFile, 'utf8'),
    'tls.key': await readFile(keyFile, 'utf8'),
  }),
  secret: 'mysql-client',
});

/** What the server asks of the account. */
const require = (what: string): Promise<unknown> =>
  server.admin((connection) => connection.query(`ALTER USER '${benchAccount.username}'@'%' REQUIRE ${what}`));

describe('a server that proves who it is', () => {
  afterEach(() => require('NONE'));

  test('is dumped on encrypted connections alone, by the driver and by mariadb-dump', async () => {
    await require('SSL');
    expect(outcomeOf(await bench.dump())).toBe('Failed: AccessDenied at Connect');
    expect(outcomeOf(await bench.dump({ mysql: { tls: { ca: await caOf(trusted) } } }))).toBe('Succeeded');
  });

  test('by one of several authorities in the Secret', async () => {
    const both = [stranger, trusted].map(({ certificateFile }) => readFile(certificateFile, 'utf8'));
    const directory = await bench.files.secret('mysql-ca', { 'ca.crt': (await Promise.all(both)).join('and\n') });
    expect(outcomeOf(await bench.dump({ mysql: { tls: { ca: { directory, secret: 'mysql-ca' } } } }))).toBe(
      'Succeeded',
    );
  });

  test('by its name', async () => {
    await swap(await issue(trusted, ['DNS:localhost']));
    const end = await bench.dump({ mysql: { host: 'localhost', tls: { ca: await caOf(trusted) } } });
    expect(outcomeOf(end)).toBe('Succeeded');
  });

  test('gets the client certificate, from the driver and from mariadb-dump', async () => {
    await require('X509');
    const ca = await caOf(trusted);
    expect(outcomeOf(await bench.dump({ mysql: { tls: { ca } } }))).toBe('Failed: AccessDenied at Connect');
    const clientCertificate = await certificateOf(await issue(trusted, []));
    expect(outcomeOf(await bench.dump({ mysql: { tls: { ca, clientCertificate } } }))).toBe('Succeeded');
  });

  test.each([
    { what: 'of an authority that it does not know', made: () => issue(stranger, []) },
    { what: 'that has expired', made: () => expired([]) },
  ])('refuses a client certificate $what', async ({ made }) => {
    await require('X509');
    const tls = { ca: await caOf(trusted), clientCertificate: await certificateOf(await made()) };
    const end = await bench.dump({ mysql: { tls } });
    expect(`${outcomeOf(end)}: ${end.result.failure?.message}`).toMatch(
      /^Failed: AccessDenied at Connect: .*client certificate/,
    );
    expect(end.seconds).toBeLessThan(15);
  });
});

/** What a server may show that must not do. */
const impostors: readonly {
  readonly what: string;
  readonly words: string;
  readonly made: () => Promise<Certificate>;
}[] = [
  {
    what: 'a certificate of another authority',
    words: 'authority',
    made: () => issue(stranger, ['IP:127.0.0.1']),
  },
  {
    what: 'a certificate for another name',
    words: 'for another name',
    made: () => issue(trusted, ['DNS:db.example.com', 'IP:192.0.2.1']),
  },
  { what: 'a certificate for no name', words: 'for another name', made: () => issue(trusted, []) },
  {
    what: 'a certificate that has expired',
    words: 'has expired',
    made: () => expired(['IP:127.0.0.1']),
  },
];

describe.each(impostors)('a server that shows $what', ({ words, made }) => {
  test('is told within seconds', async () => {
    await swap(await made());
    const end = await bench.dump({ mysql: { tls: { ca: await caOf(trusted) } } });
    expect(outcomeOf(end)).toBe('Failed: SourceNotTrusted at Connect');
    expect(end.result.failure?.message).toContain(words);
    expect(end.seconds).toBeLessThan(15);
    expect(await bench.copies()).toEqual([]);
  });

  test('does not get by mariadb-dump either, when it shows it to that alone', async () => {
    const bad = await made();
    const flush = `mariadb --no-defaults --user=root --socket=${server.socket} --execute='FLUSH SSL'`;
    const programs = await makePrograms({
      'mariadb-dump': `cp ${bad.certificateFile} ${shown('crt')}; cp ${bad.keyFile} ${shown('key')}; ${flush}; exec /usr/bin/mariadb-dump "$@"`,
    });
    try {
      const end = await bench.dump({ mysql: { tls: { ca: await caOf(trusted) } }, programs: programs.path });
      expect(outcomeOf(end)).toBe('Failed: SourceNotTrusted at Dump');
      expect(await bench.copies()).toEqual([]);
    } finally {
      await programs.remove();
    }
  });
});

test('a certificate of a private authority is not trusted without it', async () => {
  const end = await bench.dump({ mysql: { tls: {} } });
  expect(outcomeOf(end)).toBe('Failed: SourceNotTrusted at Connect');
});

test('a server without TLS is not taken, by the driver nor by mariadb-dump', async () => {
  const tls = { ca: await caOf(trusted) };
  const end = await bench.dump({ mysql: { port: plain.port, tls } });
  expect(outcomeOf(end)).toBe('Failed: SourceNotTrusted at Connect');
  expect(end.result.failure?.message).toContain('offers no TLS');
  const programs = await makePrograms({
    'mariadb-dump': `sed -i 's/^port=.*/port="${plain.port}"/' "\${1#--defaults-file=}"; exec /usr/bin/mariadb-dump "$@"`,
  });
  try {
    const other = await bench.dump({ mysql: { tls }, programs: programs.path });
    expect(outcomeOf(other)).toBe('Failed: SourceNotTrusted at Dump');
  } finally {
    await programs.remove();
  }
});

describe('a Secret', () => {
  const bad = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
  test.each([
    { what: 'without the authority', keys: {}, expected: 'SecretMissing', words: '"ca.crt"' },
    { what: 'with an empty authority', keys: { 'ca.crt': '' }, expected: 'SecretInvalid', words: 'is empty' },
    { what: 'with words for an authority', keys: { 'ca.crt': 'hello' }, expected: 'SecretInvalid', words: '"ca.crt"' },
    { what: 'with a broken authority', keys: { 'ca.crt': bad }, expected: 'SecretInvalid', words: '"ca.crt"' },
  ])('$what is named', async ({ keys, expected, words }) => {
    const ca = { directory: await bench.files.secret('mysql-ca', keys), secret: 'mysql-ca' };
    const end = await bench.dump({ mysql: { tls: { ca } } });
    expect(outcomeOf(end)).toBe(`Failed: ${expected} at Prepare`);
    expect(end.result.failure?.message).toContain('mysql-ca');
    expect(end.result.failure?.message).toContain(words);
  });

  test('without the key of the client certificate, or with another one, is named', async () => {
    const [one, another] = [await issue(trusted, []), await issue(trusted, [])];
    const certificate = await readFile(one.certificateFile, 'utf8');
    const outcomeWith = async (keys: Readonly<Record<string, string>>) => {
      const directory = await bench.files.secret('mysql-client', keys);
      const tls = { ca: await caOf(trusted), clientCertificate: { directory, secret: 'mysql-client' } };
      const end = await bench.dump({ mysql: { tls } });
      expect(end.result.failure?.message).toContain('mysql-client');
      return outcomeOf(end);
    };
    expect(await outcomeWith({ 'tls.crt': certificate })).toBe('Failed: SecretMissing at Prepare');
    const keys = { 'tls.crt': certificate, 'tls.key': await readFile(another.keyFile, 'utf8') };
    expect(await outcomeWith(keys)).toBe('Failed: SecretInvalid at Prepare');
  });
});
