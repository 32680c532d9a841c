import { appendFile, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { sectionOf, shellBlocks } from '../support/markdown.ts';
import { mysqlFacts } from '../../src/agent/engines/mysql/facts.ts';
import { outcomeOf } from './support/agent.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, benchDatabase, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';

// docs/restore-by-hand.md, "From a local copy", as it stands there, but for the pod: what it would copy is copied by the test.

const page = new URL('../../docs/restore-by-hand.md', import.meta.url);

let server: MariadbServer;
let bench: MysqlBench;
let work: string;

beforeAll(async () => {
  server = await startMariadb();
});
afterAll(() => server?.stop());
beforeEach(async () => {
  await server.prepare({ database: benchDatabase, ...benchAccount, rows: 1000 });
  bench = await makeMysqlBench(server);
  work = await mkdtemp(join(tmpdir(), 'holdfast-restore-'));
});
afterEach(async () => {
  await bench?.remove();
  await rm(work, { recursive: true, force: true });
});

const sql = async (statement: string): Promise<string> => {
  const client = ['--no-defaults', `--socket=${server.socket}`, '--user=root', '--batch', '--skip-column-names'];
  const { stdout } = await execa('mariadb', client, { input: statement });
  return stdout;
};

/** What the source held by the facts of a copy: rows, content checksums and definitions of every table. */
const factsIn = async (directory: string): Promise<unknown> => {
  const { databases } = mysqlFacts.parse(JSON.parse(await readFile(join(directory, 'facts.json'), 'utf8')));
  expect(databases).not.toEqual([]);
  return databases;
};

const takeCopy = async (name = 'copy'): Promise<string> => {
  const end = await bench.dump();
  expect(outcomeOf(end)).toBe('Succeeded');
  const copy = join(work, name);
  await mkdir(copy);
  await cp(join(bench.files.claim, 'copies', end.result.newest.localCopy?.name ?? 'none'), copy, { recursive: true });
  return copy;
};

/** Runs the blocks that check and load. */
const restore = async (copy: string) => {
  const [place = '', fetch = '', ...commands] = shellBlocks(
    sectionOf(await readFile(page, 'utf8'), 'From a local copy'),
    'copy',
  );
  expect(place).toContain('export COPY=');
  expect(fetch).toContain('kubectl');
  return execa('bash', ['-euxo', 'pipefail', '-c', commands.join('\n')], {
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      COPY: copy,
      MARIADB: `mariadb --no-defaults --socket=${server.socket} --user=root`,
    },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    all: true,
  });
};

test('a local copy is checked and loaded by the commands of the page, with equal contents', async () => {
  const copy = await takeCopy();
  await sql(`DROP DATABASE ${benchDatabase}`);
  const { all, exitCode } = await restore(copy);
  expect({ all, exitCode }).toEqual({ all: expect.stringContaining('dump.sql: OK'), exitCode: 0 });
  expect(all).toContain('facts.json: OK');
  expect(all).toContain('-- Dump completed');
  expect(await factsIn(await takeCopy('again'))).toEqual(await factsIn(copy));
});

test('a copy that is not as it was made is not loaded', async () => {
  const copy = await takeCopy();
  await appendFile(join(copy, 'dump.sql'), '-- Dump completed\n');
  await sql(`DROP DATABASE ${benchDatabase}`);
  const { all, exitCode } = await restore(copy);
  expect(exitCode).not.toBe(0);
  expect(all).toContain('dump.sql: FAILED');
  expect(await sql('SHOW DATABASES')).not.toContain(benchDatabase);
});
