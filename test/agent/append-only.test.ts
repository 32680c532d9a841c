import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { makeAppendOnly, page, snapshot, type AppendOnlyHost } from './support/append-only.ts';
import { duplicityDirectory } from './support/duplicity.ts';
import {
  type Bench,
  digests,
  makeBench,
  readDigests,
  type ShipOptions,
  type ShipRun,
} from './support/duplicity-bench.ts';
import { processesOf, waitFor } from './support/processes.ts';
import { large, madeBy, restored, small } from './support/ship-outcomes.ts';
import { type RsyncRepository, startRsyncRepository } from './support/repositories.ts';
import type { BackupHost } from './support/ssh.ts';

// Holdfast on a host that was set up as docs/append-only.md says.

let repository: RsyncRepository;
let host: BackupHost;
let bench: Bench;
let target: AppendOnlyHost;

beforeAll(async () => {
  repository = await startRsyncRepository();
  host = repository.host;
  await duplicityDirectory();
}, 240_000);

afterAll(() => repository.stop());

beforeEach(async () => {
  bench = await makeBench(repository);
  target = await makeAppendOnly(host, bench);
});

afterEach(() => bench.remove());

const ship = (options: ShipOptions = {}): Promise<ShipRun> => bench.ship({ rsync: target.repository, ...options });

const setsOf = async (): Promise<number[]> => (await bench.ledger()).chains.map(({ sets }) => sets.length);

const volumes = async (): Promise<number> => {
  const names = await readdir(bench.repository, { recursive: true }).catch(() => []);
  return names.filter((name) => name.includes('.vol')).length;
};

/** SIGKILL for the agent and all it started, as soon as the host holds one volume more. */
const killDuringUpload = async (kind: 'Full' | 'Incremental'): Promise<void> => {
  const before = await volumes();
  const { pid, done } = await bench.start({ kind, rsync: target.repository });
  await waitFor('a volume on the host', async () => (await volumes()) > before);
  process.kill(pid, 'SIGKILL');
  await done.catch(() => undefined);
  for (const each of await processesOf(bench.scratch)) {
    try {
      process.kill(each.pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
};

test('a full, incrementals, and runs killed during their uploads: each next one works, none loops, nothing stored changes', async () => {
  await bench.addCopy(large('a'));
  expect(madeBy(await ship())).toEqual(['Full']);
  await bench.addCopy(large('b'));
  expect(madeBy(await ship({ kind: 'Incremental' }))).toEqual(['Incremental']);
  const stored = (await snapshot(target.root)).filter((line) => line.includes('.difftar'));

  // Random, so that the incremental has several volumes.
  await bench.addCopy({ 'agama/agama.sql': randomBytes(2_200_000) });
  await killDuringUpload('Incremental');
  expect(madeBy(await ship({ kind: 'Incremental' }))).toEqual(['Full', 'FullInsteadOfIncremental']);
  await bench.addCopy(small('d'));
  expect(madeBy(await ship({ kind: 'Incremental' }))).toEqual(['Incremental']);
  await bench.addCopy(large('e'));
  await killDuringUpload('Full');
  expect(madeBy(await ship({ kind: 'Incremental' }))).toEqual(['Incremental']);
  expect(await setsOf()).toEqual([2, 3]);
  expect(await restored(bench)).toEqual(digests(large('e')));
  expect(await restored(bench, 0)).toEqual(digests(large('b')));
  const after = await snapshot(target.root);
  expect(stored.filter((line) => !after.includes(line))).toEqual([]);
}, 240_000);

test('what is stored comes back through the same guard: the key in the pod may read', async () => {
  await bench.addCopy(large('a'));
  expect(madeBy(await ship())).toEqual(['Full']);
  await bench.addCopy(large('b'));
  expect(madeBy(await ship({ kind: 'Incremental' }))).toEqual(['Incremental']);
  const directory = (await bench.ledger()).chains.at(-1)?.directory ?? '';
  const back = join(bench.path, 'back');
  const chain = target.url(join(bench.repository, directory));
  const { exitCode, all } = await target.duplicity({}, 'restore', '--no-encryption', chain, back);
  expect([exitCode, all]).toEqual([0, expect.any(String)]);
  expect(await readDigests(back)).toEqual(digests(large('b')));
}, 120_000);

test('the marker of another cluster stays, also when it is to be adopted', async () => {
  await bench.addCopy(small('a'));
  expect(madeBy(await ship())).toEqual(['Full']);
  await bench.addCopy(small('b'));
  const before = await snapshot(target.root);
  for (const [adopt, reason] of [
    [false, 'RepositoryOwnedByAnother'],
    [true, 'RepositoryNotWritable'],
  ] as const) {
    const { result } = await ship({ cluster: 'another', adopt });
    expect([result.failure?.step, result.failure?.reason]).toEqual(['Repository', reason]);
  }
  expect(await snapshot(target.root)).toEqual(before);
}, 240_000);

test('the host removes old chains by itself, with the commands on the page, and Holdfast takes it for no loss', async () => {
  for (const text of ['a', 'b', 'c']) {
    await bench.addCopy(small(text));
    expect(madeBy(await ship())).toEqual(['Full']);
  }
  const [first = '', second = '', third = ''] = await bench.chains();
  const said = await target.pageCommand('--keep-for 4w "');
  expect({ exitCode: said.exitCode, all: said.all }).toEqual({
    exitCode: 0,
    all: expect.stringContaining('0 chains would be removed, 3 stay, 0 could not be removed'),
  });
  // Else what the newest replaced is needed still.
  await sleep(2500);
  const removed = await execa(join(target.bin, 'holdfast-prune'), ['--keep-for', '1s', '--remove', target.root]);
  expect(removed.stdout.split('\n')).toEqual([
    `shop/agama/${third} stays: it is the newest that looks whole`,
    `shop/agama/${first} is removed`,
    `shop/agama/${second} is removed`,
    '2 chains removed, 1 stay, 0 could not be removed',
  ]);
  expect(await bench.chains()).toEqual([third]);
  await bench.addCopy(small('d'));
  expect(madeBy(await ship({ kind: 'Incremental' }))).toEqual(['Incremental']);
  expect((await bench.ledger()).chains.map(({ directory }) => directory)).toEqual([third]);
  expect(await restored(bench)).toEqual(digests(small('d')));
  expect((await target.pageCommand('--remove')).all).toContain('0 chains removed, 1 stay, 0 could not be removed');
}, 240_000);

test('a chain that is gone without the host’s word is broken', async () => {
  for (const text of ['a', 'b']) {
    await bench.addCopy(small(text));
    await ship();
  }
  const [first = ''] = await bench.chains();
  await execa('rm', ['-r', join(bench.repository, first)]);
  await writeFile(join(bench.repository, 'holdfast-pruned.json'), 'not a list');
  await bench.addCopy(small('c'));
  expect(madeBy(await ship({ kind: 'Incremental' }))).toEqual(['Incremental', 'ChainBroken']);
}, 240_000);

test('the timer on the page runs a command that works', async () => {
  const command = /^ExecStart=(.*)$/m.exec(await readFile(page, 'utf8'))?.[1]?.split(' ') ?? [];
  await bench.addCopy(small('a'));
  await ship();
  const [file = '', ...args] = command;
  expect(file).toBe('/usr/local/bin/holdfast-prune');
  const { stdout } = await execa(
    join(target.bin, 'holdfast-prune'),
    args.map((arg) => (arg === '/srv/backup/agama' ? target.root : arg)),
  );
  expect(stdout).toContain('0 chains removed, 1 stay');
}, 240_000);
