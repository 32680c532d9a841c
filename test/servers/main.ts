import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { execa } from 'execa';
import { createConnection, type Connection } from 'mariadb';
import type { MysqlTask } from '../../src/api/v1alpha1/sources/mysql.ts';
import { outcomeOf } from '../agent/support/agent.ts';
import { makeAuthorities, type Authorities } from '../agent/support/certificates.ts';
import { makeDirectory } from '../agent/support/directories.ts';
import { benchAccount, makeMysqlBench, type MysqlBench } from '../agent/support/mysql-bench.ts';
import { changeableStatements, changeAll, quietRows, rowsRead } from '../agent/support/mysql-changes.ts';
import { factsBy } from '../agent/support/mysql-facts.ts';
import { makeRestores } from '../agent/support/mysql-restore.ts';
import { makeVerifyBench } from '../agent/support/mysql-verify.ts';
import { nastyStatements, oddDatabase, plainDatabase } from '../agent/support/nasty-database.ts';
import { freePort } from '../agent/support/ports.ts';
import { installMariadb, installMysql, type Installed } from './install.ts';

/**
 * Dump, load and compare with servers of other releases: `npm run test:servers`. Not part of npm test, since it downloads 300 MB. What a
 * server does not know of the sample is left out, and told; what it takes must come back the same.
 */

interface Release {
  readonly name: string;
  readonly install: () => Promise<Installed>;
  readonly program: string;
  /** Makes the data directory. */
  readonly initialize: (
    installed: Installed,
    data: string,
  ) => { readonly program: string; readonly args: readonly string[] };
  /** What the sample cannot have there, since it is refused by name at the dump. */
  readonly refused?: RegExp;
  /** What is written otherwise there. */
  readonly without?: RegExp;
  /** It hands over passwords on encrypted connections alone, and has rights and options of its own; the account has them by a role. */
  readonly mysql?: boolean;
}

const installDb = (program: string, extra: readonly string[]) => (installed: Installed, data: string) => ({
  program,
  args: ['--no-defaults', `--basedir=${installed.base}`, `--datadir=${data}`, '--user=root', ...extra],
});

const releases: readonly Release[] = [
  {
    name: 'MariaDB 11.4.5',
    install: () => installMariadb('11.4.5'),
    program: 'bin/mariadbd',
    initialize: installDb('scripts/mariadb-install-db', ['--auth-root-authentication-method=normal', '--skip-test-db']),
  },
  {
    name: 'MariaDB 10.2.11',
    install: () => installMariadb('10.2.11'),
    program: 'bin/mysqld',
    initialize: installDb('scripts/mysql_install_db', []),
    without: / COMMENT 'of all kinds'| INVISIBLE/g,
  },
  {
    name: 'MySQL of Debian unstable',
    install: installMysql,
    program: 'usr/sbin/mysqld',
    initialize: ({ base }, data) => ({
      program: 'usr/sbin/mysqld',
      args: [
        '--no-defaults',
        '--initialize-insecure',
        `--basedir=${join(base, 'usr')}`,
        `--datadir=${data}`,
        '--user=root',
      ],
    }),
    refused: /computed/,
    without: / OR REPLACE| COMMENT 'of all kinds'| INVISIBLE/g,
    mysql: true,
  },
];

interface Server {
  readonly host: string;
  readonly port: number;
  readonly socket: string;
  /** Its authority, in PEM form. */
  readonly ca: string;
  admin<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

const start = async (release: Release, installed: Installed, authorities: Authorities): Promise<Server> => {
  const directory = await makeDirectory();
  const [data, socket] = [join(directory.path, 'data'), join(directory.path, 's')];
  await mkdir(data);
  await mkdir(join(directory.path, 'tmp'));
  const initialize = release.initialize(installed, data);
  const maker = installed.command(initialize.program);
  await execa(maker.file, [...maker.args, ...initialize.args], { env: { TMPDIR: join(directory.path, 'tmp') } });
  const authority = await authorities.make(directory.path.slice(-6));
  const shown = await authority.issue({ commonName: 'server', subjectAltNames: ['IP:127.0.0.1'] });
  const port = await freePort();
  const { file, args } = installed.command(release.program);
  const log = openSync(join(directory.path, 'log'), 'w');
  const server = spawn(
    file,
    [
      ...args,
      '--no-defaults',
      `--basedir=${release.mysql === true ? join(installed.base, 'usr') : installed.base}`,
      `--datadir=${data}`,
      `--tmpdir=${join(directory.path, 'tmp')}`,
      `--socket=${socket}`,
      `--pid-file=${join(directory.path, 'pid')}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--user=root',
      '--max-allowed-packet=64M',
      '--character-set-server=utf8mb4',
      ...(release.mysql === true
        ? [
            '--mysqlx=OFF',
            '--secure-file-priv=',
            `--ssl-ca=${authority.certificateFile}`,
            `--ssl-cert=${shown.certificateFile}`,
            `--ssl-key=${shown.keyFile}`,
          ]
        : []),
    ],
    { stdio: ['ignore', log, log] },
  );
  closeSync(log);
  const admin: Server['admin'] = async (work) => {
    const connection = await createConnection({ socketPath: socket, user: 'root', multipleStatements: true });
    try {
      return await work(connection);
    } finally {
      await connection.end();
    }
  };
  const stop = async (): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null) {
      const exited = once(server, 'exit');
      server.kill('SIGKILL');
      await exited;
    }
    await directory.remove();
  };
  for (let attempt = 0; ; attempt += 1) {
    try {
      await admin((connection) => connection.query('SELECT 1'));
      return { host: '127.0.0.1', port, socket, ca: await readFile(authority.certificateFile, 'utf8'), admin, stop };
    } catch (error) {
      if (server.exitCode !== null || attempt > 300) {
        const words = await readFile(join(directory.path, 'log'), 'utf8');
        await stop();
        throw new Error(`${release.name} does not come up:\n${words}`, { cause: error });
      }
      await sleep(100);
    }
  }
};

/** Fills a server, and gives back the statements that it does not know. */
const fill = (server: Server, { refused, without, mysql: byRole = false }: Release): Promise<string[]> =>
  server.admin(async (connection) => {
    const left: string[] = [];
    for (const statement of nastyStatements({ smallTables: 50, largeRowMegabytes: 18, kilobyteRows: 500 })) {
      if (refused?.test(statement) === true) continue;
      try {
        await connection.query(without === undefined ? statement : statement.replaceAll(without, ''));
      } catch (error) {
        const words = error instanceof Error && 'sqlMessage' in error ? String(error.sqlMessage) : String(error);
        left.push(`${statement.replaceAll(/\s+/g, ' ').slice(0, 100)} (${words.slice(0, 100)})`);
      }
    }
    // Old installers make one without a name, who would be taken for the account.
    await connection.query("DROP USER IF EXISTS ''@localhost");
    await connection.query(`CREATE USER backup@'%' IDENTIFIED BY '${benchAccount.password}'`);
    const rights = [
      'SELECT',
      'SHOW VIEW',
      'TRIGGER',
      'EVENT',
      'EXECUTE',
      'RELOAD',
      ...(byRole ? ['SHOW_ROUTINE'] : []),
    ];
    if (byRole) await connection.query('CREATE ROLE dumper');
    await connection.query(`GRANT ${rights.join(', ')} ON *.* TO ${byRole ? 'dumper' : "backup@'%'"}`);
    if (byRole) await connection.query("GRANT dumper TO backup@'%'");
    if (byRole) await connection.query("SET DEFAULT ROLE dumper TO backup@'%'");
    return left;
  });

const databases = [plainDatabase, oddDatabase];

interface Marking {
  readonly benches: { remove(): Promise<void> }[];
  readonly bench: MysqlBench;
  /** How the server is trusted. */
  readonly tls: Partial<MysqlTask>;
}

/** Damages what was dumped, and restores it in place; whether all is as it was. */
const restoredInPlace = async (
  { mysql }: Release,
  server: Server,
  copy: string,
  { benches, files }: Pick<MysqlBench, 'files'> & { readonly benches: { remove(): Promise<void> }[] },
): Promise<boolean> => {
  const before = await factsBy({ socket: server.socket, username: 'root' }, ...databases);
  const restorer = { username: 'restorer', password: benchAccount.password };
  await server.admin(async (connection) => {
    await connection.query(`CREATE USER restorer@'%' IDENTIFIED BY '${restorer.password}'`);
    await connection.query("GRANT ALL ON *.* TO restorer@'%' WITH GRANT OPTION");
    await connection.query(`USE ${plainDatabase}`);
    await connection.query('DROP TABLE every_byte');
    await connection.query('UPDATE many_rows SET v = 1 WHERE id % 7 = 0');
    await connection.query('CREATE TABLE not_in_the_backup (a INT PRIMARY KEY)');
  });
  const restores = await makeRestores(server, await files.secret('restorer', restorer), databases);
  benches.push(restores);
  const ca = { directory: await files.secret('restore-ca', { 'ca.crt': server.ca }), secret: 'restore-ca' };
  const restore = await restores.restore('0000000a', { target: mysql === true ? { tls: { ca } } : {} });
  const { rows, mismatches, notWitnessed } = await restore.inPlace(copy);
  const now = await factsBy({ socket: server.socket, username: 'root' }, ...databases);
  const isEqual = isDeepStrictEqual(now, before);
  console.log(`  restored in place: ${rows} rows, ${isEqual ? 'equal to before' : 'NOT as before'}`);
  for (const each of [...mismatches, ...notWitnessed]) console.log(`  ! ${each}`);
  for (const { message } of restore.notes) console.log(`  note: ${message}`);
  return isEqual && mismatches.length === 0 && notWitnessed.length === 0;
};

const marked = 'marked';

/** Until a change is not of this second any more. */
const secondAndSpareMs = 1300;

/**
 * Restores in place what can be changed in every way: what nothing has changed since it was compared is not read again, and whatever was changed is found, also by a transaction that
 * was open when it was compared.
 */
const foundWhenChanged = async (
  { mysql }: Release,
  server: Server,
  { benches, bench, tls }: Marking,
): Promise<boolean> => {
  const mariadb = mysql !== true && !(await server.admin(isOld));
  await server.admin(async (connection) => {
    for (const statement of changeableStatements(marked, { mariadb })) await connection.query(statement);
  });
  const end = await bench.dump({ mysql: { databases: [marked], ...tls }, task: { deadlineSeconds: 300 } });
  const copy = join(bench.files.claim, 'copies', end.result.newest.localCopy?.name ?? 'none');
  const account = await bench.files.secret('marks-restorer', { username: 'restorer', password: benchAccount.password });
  const restores = await makeRestores(server, account, [marked]);
  benches.push(restores);
  const ways: readonly { name: string; change: (aside: string) => Promise<string[]>; when: 'Before' | 'After' }[] = [
    { name: 'nothing', when: 'After', change: () => Promise.resolve([]) },
    {
      name: 'before the exchange',
      when: 'Before',
      change: (aside) => changeAll(server, aside, { mariadb, programs: false }),
    },
    { name: 'after it', when: 'After', change: () => changeAll(server, marked, { mariadb, programs: true }) },
  ];
  let all = true;
  const judge = (name: string, mismatches: readonly string[], changed: readonly string[], read: number): void => {
    const found = mismatches.map((each) => /^table marked\.(\w+): /.exec(each)?.[1] ?? each).toSorted();
    const right = isDeepStrictEqual(found, [...changed]) && read < quietRows;
    console.log(
      `  changed ${name}: ${found.length} tables found, ${read} rows read${right ? '' : ' (NOT as it should be)'}`,
    );
    if (!right) console.log(`  ! found ${found.join(', ')}; changed ${changed.join(', ')}`);
    all &&= right;
  };
  for (const [index, { name, change, when }] of ways.entries()) {
    const id = `000001${index}0`;
    const aside = `holdfast_${id}_new_${marked}`;
    const { engine, context, swap } = await restores.restore(id, { target: tls });
    await engine.load(context, copy);
    await sleep(secondAndSpareMs);
    await engine.compare(context, copy);
    const before = when === 'Before' ? await change(aside) : [];
    await swap(copy);
    const after = when === 'After' ? await change(aside) : [];
    const readBefore = await rowsRead(server);
    const { mismatches, notWitnessed } = await engine.check(context, copy);
    judge(name, [...mismatches, ...notWitnessed], [...before, ...after], (await rowsRead(server)) - readBefore);
  }
  const id = '00000200';
  const aside = `holdfast_${id}_new_${marked}`;
  const { engine, context, swap } = await restores.restore(id, { target: tls });
  await engine.load(context, copy);
  const writer = await createConnection({ socketPath: server.socket, user: 'root' });
  try {
    await sleep(1020 - (Date.now() % 1000));
    await writer.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    await server.admin(async (connection) => {
      for (const by of ['+', '-']) await connection.query(`UPDATE ${aside}.quiet SET v = v ${by} 1 WHERE id = 1`);
    });
    await sleep(secondAndSpareMs);
    await engine.compare(context, copy);
    await writer.query(`UPDATE ${aside}.quiet SET v = v + 1 WHERE id = 2`);
    await writer.query('COMMIT');
  } finally {
    await writer.end();
  }
  await swap(copy);
  const { mismatches } = await engine.check(context, copy);
  judge('by a transaction of before', mismatches, ['quiet'], 0);
  return all;
};

/** A MariaDB that keeps no past rows. */
const isOld = async (connection: Connection): Promise<boolean> => {
  const [row]: { old: string }[] = await connection.query("SELECT CAST(VERSION() LIKE '10.2.%' AS CHAR) AS old");
  return row?.old === '1';
};

const tryOut = async (release: Release): Promise<boolean> => {
  const installed = await release.install();
  const authorities = await makeAuthorities();
  const servers: Server[] = [];
  const benches: { remove(): Promise<void> }[] = [authorities];
  try {
    const source = await start(release, installed, authorities);
    servers.push(source);
    const scratch = await start(release, installed, authorities);
    servers.push(scratch);
    const left = await fill(source, release);
    const bench = await makeMysqlBench(source);
    benches.push(bench);
    const ca = { directory: await bench.files.secret('mysql-ca', { 'ca.crt': source.ca }), secret: 'mysql-ca' };
    const tls = release.mysql === true ? { tls: { ca } } : {};
    const end = await bench.dump({ mysql: { databases, ...tls }, task: { deadlineSeconds: 300 } });
    console.log(`${release.name}: dump ${outcomeOf(end)} ${end.result.failure?.message ?? ''}`);
    for (const statement of left) console.log(`  not known there: ${statement}`);
    for (const gap of end.result.newest.localCopy?.notCovered ?? []) console.log(`  not covered: ${gap}`);
    if (end.result.outcome !== 'Succeeded') return false;
    const verify = await makeVerifyBench(scratch.socket);
    benches.push(verify);
    const name = await verify.engine.start(verify.context);
    // An older installer makes it.
    await scratch.admin((connection) => connection.query('DROP DATABASE IF EXISTS test'));
    const copy = join(bench.files.claim, 'copies', end.result.newest.localCopy?.name ?? 'none');
    const unsuitable = await verify.engine.unsuitable(copy, name);
    const compared = await verify.verify(copy);
    console.log(`  ${name}: ${compared.objects} objects, ${compared.rows} rows compared`);
    for (const each of [...compared.mismatches, ...compared.notWitnessed]) console.log(`  ! ${each}`);
    if (unsuitable !== undefined || compared.mismatches.length > 0 || compared.notWitnessed.length > 0) return false;
    if (!(await restoredInPlace(release, source, copy, { benches, files: bench.files }))) return false;
    return await foundWhenChanged(release, source, { benches, bench, tls });
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    await Promise.all(benches.map((bench) => bench.remove()));
  }
};

let failed = false;
const asked = process.argv.slice(2).join(' ');
for (const release of releases.filter(({ name }) => name.includes(asked))) {
  try {
    const equal = await tryOut(release);
    console.log(`${release.name}: ${equal ? 'equal in everything' : 'NOT equal'}`);
    failed ||= !equal;
  } catch (error) {
    console.log(`${release.name}: failed:`, error);
    failed = true;
  }
}
process.exit(failed ? 1 : 0);
