import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { duplicityDirectory } from './support/duplicity.ts';
import {
  type Bench,
  digests,
  makeBench,
  type PruneOptions,
  readDigests,
  type ShipRun,
} from './support/duplicity-bench.ts';
import { restored, small } from './support/ship-outcomes.ts';
import { startRsyncRepository, type RsyncRepository } from './support/repositories.ts';
import { makeKeyPair } from './support/ssh.ts';

let repository: RsyncRepository;
let bench: Bench;

beforeAll(async () => {
  repository = await startRsyncRepository();
  await duplicityDirectory();
}, 120_000);

afterAll(() => repository.stop());

beforeEach(async () => {
  bench = await makeBench(repository);
});

afterEach(() => bench.remove());

/** 01:00:03 of a day of January 2026. */
const at = (number: number): Date => new Date(Date.UTC(2026, 0, number, 1, 0, 3));
const day = (number: number): string => at(number).toISOString().replace('.000', '');

/** Chains of the first days of January, a full each. */
const makeChains = async (count: number): Promise<string[]> => {
  for (let number = 1; number <= count; number += 1) await bench.addChain([at(number)]);
  return bench.chains();
};

/** Names and content of all that is in a directory of the repository. */
const contentOf = (directory: string): Promise<Record<string, string>> =>
  readDigests(join(bench.repository, directory));

const names = async (): Promise<string[]> => (await bench.ledger()).chains.map(({ directory }) => directory);
const archives = (): Promise<string[]> => readdir(join(bench.claim, 'archive')).then((all) => all.toSorted());
const outcome = ({ exitCode, result }: ShipRun): unknown =>
  result.failure === undefined
    ? [exitCode, result.retention?.removed, result.retention?.chains]
    : [exitCode, result.failure.step, result.failure.reason];
/** Keeps for a week: the chain of day n goes when that of day n + 1 is a week old, on day n + 8. */
const asOf = (number: number): Pick<PruneOptions, 'asOf'> => ({ asOf: day(number) });

/** What plain duplicity finds in the directory of a chain: how many sets it takes for whole. */
const setsFound = async (directory: string): Promise<number> => {
  const bin = await duplicityDirectory();
  const archive = join(bench.path, `status-${process.hrtime.bigint()}`);
  const { stdout } = await execa(
    join(bin, 'duplicity'),
    ['collection-status', `--archive-dir=${archive}`, '--no-encryption', `file://${join(bench.repository, directory)}`],
    { env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: bench.path, LANG: 'C.UTF-8' }, extendEnv: false },
  );
  const shown = stdout.split('\n').filter((line) => /^\s*(Full|Incremental) {2,}\S/.test(line)).length;
  // A set without its manifest is shown in its chain, and counted here.
  return shown - Number(/(\d+) incomplete backup set/.exec(stdout)?.[1] ?? 0);
};

test('the chain that was verified last stays, by what the ledger says: an operator that is behind protects nothing', async () => {
  const [first = '', , , last = ''] = await makeChains(4);
  const path = join(bench.claim, 'ledger.json');
  const ledger = await bench.ledger();
  const verified = ledger.chains.map((chain) => ({
    ...chain,
    sets: chain.sets.map((set) => (chain.directory === first ? { ...set, verifiedTime: day(5) } : set)),
  }));
  await writeFile(path, JSON.stringify({ ...ledger, chains: verified }));
  const run = await bench.prune({ asOf: day(11), protect: [] });
  expect(outcome(run)).toEqual([0, 2, 2]);
  expect(await bench.chains()).toEqual([first, last]);
});

describe('what is due', () => {
  test('goes whole, with its archive-dir and its place in the ledger; the rest is restorable and continued', async () => {
    const backUp = async (kind: 'Full' | 'Incremental', text: string): Promise<void> => {
      await bench.addCopy(small(text));
      expect((await bench.ship({ kind })).result).toMatchObject({ outcome: 'Succeeded', made: kind });
    };
    await backUp('Full', '1 ');
    await backUp('Incremental', '2 ');
    await backUp('Full', '3 ');
    const [first = '', second = ''] = await bench.chains();
    expect(await setsFound(first)).toBe(2);

    // The incremental of day 2 is what the moment before day 3 is restored from.
    const early = await bench.prune({ asOf: day(10).replace('03Z', '02Z') });
    expect(outcome(early)).toEqual([0, 0, 2]);
    expect(early.result.retention).toMatchObject({ oldestPointTime: day(1), nextDue: day(10), rule: 'a-rule' });
    expect(early.result.notes).toEqual([]);
    expect(await setsFound(first)).toBe(2);

    const run = await bench.prune(asOf(10));
    expect(outcome(run)).toEqual([0, 1, 1]);
    expect(run.result).toMatchObject({ container: 'prune', kind: 'Prune', outcome: 'Succeeded' });
    expect(run.result.retention).toMatchObject({ oldestPointTime: day(3) });
    expect(run.result.retention).not.toHaveProperty('nextDue');
    expect(run.result.notes.map(({ reason }) => reason)).toEqual(['ChainRemoved']);
    expect(run.result.notes[0]?.message).toContain(first);
    expect(await bench.chains()).toEqual([second]);
    expect(await names()).toEqual([second]);
    expect(await archives()).toEqual([second]);
    expect(await restored(bench)).toEqual(digests(small('3 ')));
    await backUp('Incremental', '4 ');
    expect(await restored(bench)).toEqual(digests(small('4 ')));
    expect((await bench.ledger()).runs.at(-2)).toMatchObject({ kind: 'Prune', outcome: 'Succeeded' });
  }, 240_000);

  test('is decided by the earlier of two clocks, without what is protected, and again to the same end', async () => {
    const [first = '', second = '', third = ''] = await makeChains(3);
    // The clock of this machine is far past all of them.
    expect(outcome(await bench.prune(asOf(8)))).toEqual([0, 0, 3]);
    expect(outcome(await bench.prune({ ...asOf(60), protect: [first, second] }))).toEqual([0, 0, 3]);
    expect(outcome(await bench.prune({ ...asOf(60), retention: { keepFor: '1w', keepFullChains: 2 } }))).toEqual([
      0, 1, 2,
    ]);
    expect(outcome(await bench.prune(asOf(60)))).toEqual([0, 1, 1]);
    expect(outcome(await bench.prune(asOf(300)))).toEqual([0, 0, 1]);
    expect(await bench.chains()).toEqual([third]);
  }, 120_000);

  test('a broken chain covers nothing, and goes at its age', async () => {
    const [first = '', second = '', third = ''] = await makeChains(3);
    const volume = (await readdir(join(bench.repository, second))).find((name) => name.includes('.vol1.')) ?? '';
    await rm(join(bench.repository, second, volume));
    expect(outcome(await bench.prune(asOf(9)))).toEqual([0, 0, 3]);
    expect((await bench.ledger()).chains[1]?.problem).toContain('is missing');
    expect(outcome(await bench.prune(asOf(10)))).toEqual([0, 2, 1]);
    expect(await bench.chains()).toEqual([third]);
    expect([first, second]).not.toContain(third);
  }, 120_000);

  test('a set that was uploaded and not recorded counts: the chain is as new as that', async () => {
    await bench.addChain([at(1), at(12)]);
    const before = await bench.ledger();
    // The run that made it was killed before it could record it.
    const chains = before.chains.map((chain) => ({ ...chain, sets: chain.sets.slice(0, 1) }));
    await writeFile(join(bench.claim, 'ledger.json'), JSON.stringify({ ...before, chains }));
    await bench.addChain([at(5)]);
    await bench.addChain([at(13)]);
    expect(outcome(await bench.prune(asOf(19)))).toEqual([0, 1, 2]);
    expect(await names()).toEqual([`chain-20260101T010003Z`, 'chain-20260113T010003Z']);
    expect(outcome(await bench.prune(asOf(20)))).toEqual([0, 1, 1]);
  }, 90_000);

  test('chains of another repository are neither counted nor touched', async () => {
    await makeChains(2);
    const before = await bench.ledger();
    const chains = before.chains.map((chain, index) =>
      index === 1 ? { ...chain, repository: 'rsync://other' } : chain,
    );
    await writeFile(join(bench.claim, 'ledger.json'), JSON.stringify({ ...before, chains }));
    expect(outcome(await bench.prune(asOf(60)))).toEqual([0, 0, 1]);
    expect(await bench.chains()).toHaveLength(2);
  }, 60_000);
});

describe('what is not Holdfast’s', () => {
  test('files of others stay, with the directory, and it is said', async () => {
    const [first = '', second = ''] = await makeChains(2);
    const foreign = [
      'notes of mine.txt',
      'duplicity-full.20260101T000000Z.vol1.difftar copy',
      'zwei\nZeilen',
      'põhi-ülevaade',
      '.hidden',
      'sub/duplicity-full.20260101T000000Z.manifest',
    ];
    for (const name of foreign) {
      await mkdir(join(bench.repository, first, 'sub'), { recursive: true });
      await writeFile(join(bench.repository, first, name), name);
    }
    await writeFile(join(bench.repository, 'readme of mine'), 'x');
    await mkdir(join(bench.repository, 'chain-of-thoughts'));
    await writeFile(join(bench.repository, 'chain-of-thoughts/a'), 'x');
    const run = await bench.prune(asOf(9));
    expect(outcome(run)).toEqual([0, 1, 1]);
    expect(run.result.retention?.left).toMatch(
      /^chain-20260101T010003Z: files that are not of a backup \(6, such as "/,
    );
    expect((await readdir(join(bench.repository, first), { recursive: true })).toSorted()).toEqual(
      [...foreign, 'sub'].toSorted(),
    );
    for (const name of foreign) expect(await readFile(join(bench.repository, first, name), 'utf8')).toBe(name);
    expect((await readdir(bench.repository)).toSorted()).toEqual(
      [first, second, 'chain-of-thoughts', 'holdfast-owner.json', 'readme of mine'].toSorted(),
    );
    expect(await names()).toEqual([second]);
    // And is said as long as it is there.
    await rm(join(bench.repository, first), { recursive: true });
    const unknown = 'chain-20251231T010000Z';
    await mkdir(join(bench.repository, unknown));
    await writeFile(join(bench.repository, unknown, 'duplicity-full.20251231T010000Z.manifest'), 'x');
    expect((await bench.prune(asOf(9))).result.retention?.left).toBe(
      `${unknown}: a chain that the ledger does not know`,
    );
    // It is not older than asked until its name is.
    expect((await bench.prune(asOf(6))).result.retention).not.toHaveProperty('left');
    expect(await bench.chains()).toEqual(['chain-of-thoughts', unknown, second].toSorted());
  }, 90_000);

  test.each([
    { reason: 'of another cluster', marker: JSON.stringify({ cluster: 'other', namespace: 'shop', name: 'agama' }) },
    { reason: 'whose marker nobody can read', marker: 'x' },
    { reason: 'without a marker', marker: undefined },
  ])(
    'a directory $reason is not touched',
    async ({ marker }) => {
      await makeChains(2);
      const file = join(bench.repository, 'holdfast-owner.json');
      if (marker === undefined) await rm(file);
      else await writeFile(file, marker);
      const before = await readdir(bench.repository, { recursive: true });
      expect(outcome(await bench.prune(asOf(60)))).toEqual([1, 'Repository', 'RepositoryOwnedByAnother']);
      expect(await readdir(bench.repository, { recursive: true })).toEqual(before);
    },
    60_000,
  );

  test('a name in the ledger that is no chain’s leads nowhere', async () => {
    await makeChains(3);
    const ledger = await bench.ledger();
    const [first, ...others] = ledger.chains;
    const victim = join(bench.repository, '..', 'victim');
    await mkdir(victim);
    const file = first?.sets[0]?.files[0]?.name ?? '';
    await writeFile(join(victim, file), 'x');
    const chains = [{ ...first, directory: '../victim' }, ...others];
    await writeFile(join(bench.claim, 'ledger.json'), JSON.stringify({ ...ledger, chains }));
    await bench.prune(asOf(60));
    expect(await readdir(victim)).toEqual([file]);
  }, 60_000);
});

describe('a host that keeps what it has', () => {
  test('refuses: nothing is lost, nothing is called done, and the chain is as it was', async () => {
    const [first = ''] = await makeChains(2);
    const { privateKey, publicKey } = await makeKeyPair(bench.path, 'append');
    await repository.host.authorize(publicKey, `/usr/bin/rrsync -no-del -no-lock /`);
    const key = await bench.secret('append-key', { 'ssh-privatekey': privateKey });
    const before = await bench.ledger();
    const content = await contentOf(first);
    const run = await bench.prune({ ...asOf(60), rsync: { key } });
    expect(outcome(run)).toEqual([1, 'Remove', 'RemovalRefused']);
    expect(run.result.failure?.message).toContain(first);
    expect(run.result.failure?.message).toContain('docs/retention.md');
    expect(run.result).not.toHaveProperty('retention');
    const plain = ({ chains }: typeof before) => chains.map((chain) => ({ ...chain, checkedTime: '' }));
    expect(plain(await bench.ledger())).toEqual(plain(before));
    expect(await contentOf(first)).toEqual(content);
    // Removed on the host itself, as the message says: what is gone is removed.
    await rm(join(bench.repository, first), { recursive: true });
    expect(outcome(await bench.prune({ ...asOf(60), rsync: { key } }))).toEqual([0, 1, 1]);
    expect(await names()).toHaveLength(1);
  }, 90_000);

  test.each([
    { reason: 'says nothing and does nothing', what: '*--delete*) exit 0;;' },
    { reason: 'removes the manifests only', what: '*--delete*manifest*) ;; *--delete*) exit 0;;' },
  ])(
    '$reason',
    async ({ what }) => {
      const [first = '', second = ''] = await makeChains(2);
      const programs = await bench.program('rsync', `#!/bin/sh\ncase "$*" in ${what} esac\nexec /usr/bin/rsync "$@"\n`);
      const run = await bench.prune({ ...asOf(60), programs });
      expect(outcome(run)).toEqual([1, 'Remove', 'RemovalRefused']);
      expect(await names()).toEqual([first, second]);
      expect(outcome(await bench.prune(asOf(60)))).toEqual([0, 1, 1]);
      expect(await bench.chains()).toEqual([second]);
      expect(await archives()).toEqual([second]);
    },
    60_000,
  );

  test('files that cannot be unlinked', async () => {
    const [first = ''] = await makeChains(2);
    const content = await contentOf(first);
    const { privateKey, publicKey } = await makeKeyPair(bench.path, 'other');
    await repository.host.authorize(
      publicKey,
      'setpriv --reuid 65532 --regid 65532 --clear-groups sh -c "$SSH_ORIGINAL_COMMAND"',
    );
    const key = await bench.secret('other-key', { 'ssh-privatekey': privateKey });
    expect(outcome(await bench.prune({ ...asOf(60), rsync: { key } }))).toEqual([1, 'Remove', 'RemovalRefused']);
    expect(await contentOf(first)).toEqual(content);
  }, 60_000);

  test('a host that is not there is not one that refuses', async () => {
    await makeChains(2);
    const programs = await bench.program(
      'rsync',
      '#!/bin/sh\ncase "$*" in *--delete*) echo "ssh: connect to host 127.0.0.1 port 1: Connection refused" >&2; exit 255;; esac\nexec /usr/bin/rsync "$@"\n',
    );
    expect(outcome(await bench.prune({ ...asOf(60), programs }))).toEqual([1, 'Remove', 'RepositoryUnreachable']);
    expect(outcome(await bench.prune(asOf(60)))).toEqual([0, 1, 1]);
  }, 60_000);
});

describe('killed', () => {
  test.each([1, 2, 3].flatMap((call) => ['before', 'after'].map((side) => ({ call, side }))))(
    '$side removal $call: no chain looks whole that is not, and the next prune ends it',
    async ({ call, side }) => {
      const [first = '', second = ''] = await makeChains(2);
      const counter = join(bench.path, 'calls');
      const script = `#!/bin/sh
case "$*" in *--delete*)
  echo x >> ${counter}
  if [ "$(wc -l < ${counter})" = ${call} ]; then
    ${side === 'after' ? '/usr/bin/rsync "$@"' : ':'}
    kill -9 $PPID
    exit 1
  fi;;
esac
exec /usr/bin/rsync "$@"
`;
      const programs = await bench.program('rsync', script);
      await expect(bench.prune({ ...asOf(60), programs })).rejects.toThrow('ENOENT');
      const [chain] = (await bench.ledger()).chains;
      expect(chain).toMatchObject({ directory: first, removing: true });
      // While there is a manifest, nothing else is missing.
      const left = Object.keys(await contentOf(first).catch(() => ({})));
      expect(left.filter((name) => name.endsWith('.manifest')).length > 0 ? left.length : 3).toBe(3);
      expect(outcome(await bench.prune(asOf(60)))).toEqual([0, 1, 1]);
      expect(await bench.chains()).toEqual([second]);
      expect(await names()).toEqual([second]);
      expect(await archives()).toEqual([second]);
    },
    90_000,
  );

  test('when the manifests are gone: plain duplicity finds nothing to restore from', async () => {
    for (const text of ['1 ', '2 ']) {
      await bench.addCopy(small(text));
      await bench.ship({ kind: 'Full' });
    }
    const [first = '', second = ''] = await bench.chains();
    expect(await setsFound(first)).toBe(1);
    const script = '#!/bin/sh\ncase "$*" in *--delete*vol1*) kill -9 $PPID; exit 1;; esac\nexec /usr/bin/rsync "$@"\n';
    const programs = await bench.program('rsync', script);
    await expect(bench.prune({ ...asOf(60), programs })).rejects.toThrow('ENOENT');
    expect(await setsFound(first)).toBe(0);
    // Nothing continues it, and nothing is said to be broken.
    await bench.addCopy(small('3 '));
    expect((await bench.ship({ kind: 'Incremental' })).result).toMatchObject({ made: 'Incremental', notes: [] });
    expect(outcome(await bench.prune(asOf(60)))).toEqual([0, 1, 1]);
    expect(await bench.chains()).toEqual([second]);
    expect(await setsFound(second)).toBe(2);
  }, 240_000);

  test('before anything was removed, and the rule was changed meanwhile: the chain is kept', async () => {
    const [first = '', second = ''] = await makeChains(2);
    const programs = await bench.program(
      'rsync',
      '#!/bin/sh\ncase "$*" in *--delete*) kill -9 $PPID; exit 1;; esac\nexec /usr/bin/rsync "$@"\n',
    );
    await expect(bench.prune({ ...asOf(60), programs })).rejects.toThrow('ENOENT');
    expect((await bench.ledger()).chains[0]).toMatchObject({ removing: true });
    expect(outcome(await bench.prune({ ...asOf(60), retention: { keepFor: '3mo' } }))).toEqual([0, 0, 2]);
    expect((await bench.ledger()).chains[0]).not.toHaveProperty('removing');
    expect(await bench.chains()).toEqual([first, second]);
  }, 60_000);
});

describe('when the source looks emptied', () => {
  let made = 0;
  beforeEach(() => {
    made = 0;
  });
  const grow = async (rows: readonly number[], bytes = 1000): Promise<void> => {
    for (const count of rows) {
      made += 1;
      await bench.addChain([at(made)], { rows: count, bytes });
    }
  };

  test('nothing goes until the loss is accepted; then it is told once, and compared with what came after', async () => {
    await grow([1000, 1000, 400]);
    const run = await bench.prune(asOf(60));
    expect(outcome(run)).toEqual([1, 'Repository', 'SourceShrunk']);
    expect(run.result.failure?.message).toContain(`400 rows instead of the 1000 of ${day(1)}`);
    expect(await bench.chains()).toHaveLength(3);
    for (const acceptShrink of [day(2), day(40)]) {
      expect(outcome(await bench.prune({ ...asOf(60), acceptShrink }))).toEqual([1, 'Repository', 'SourceShrunk']);
    }
    expect(outcome(await bench.prune({ ...asOf(60), acceptShrink: day(3) }))).toEqual([0, 2, 1]);
    expect((await bench.ledger()).acceptedShrink).toBe(day(3));
    // The acceptance is remembered without the annotation, and does not cover the next loss.
    await grow([390, 100]);
    expect(outcome(await bench.prune(asOf(60)))).toEqual([1, 'Repository', 'SourceShrunk']);
  }, 120_000);

  test('many small steps are one large one, and a tolerant policy goes on', async () => {
    await grow([1000, 800, 640, 512, 410]);
    expect(outcome(await bench.prune(asOf(60)))).toEqual([1, 'Repository', 'SourceShrunk']);
    expect(outcome(await bench.prune({ ...asOf(60), retention: { keepFor: '1w', freezeOnShrink: 80 } }))).toEqual([
      0, 4, 1,
    ]);
  }, 120_000);

  test('fewer bytes alone are enough', async () => {
    await grow([10, 10], 1000);
    await grow([10], 400);
    expect(outcome(await bench.prune(asOf(60)))).toEqual([1, 'Repository', 'SourceShrunk']);
  }, 60_000);
});

test('a prune waits for the lock on the claim, and gives up with a word', async () => {
  await makeChains(2);
  const lock = join(bench.claim, 'locks/repository');
  await mkdir(join(bench.claim, 'locks'), { recursive: true });
  const holder = execa('flock', ['--no-fork', lock, 'sleep', '60']);
  holder.catch(() => undefined);
  while (!(await stat(lock).catch(() => undefined))) await sleep(20);
  await sleep(200);
  expect(outcome(await bench.prune({ ...asOf(60), deadlineSeconds: 4 }))).toEqual([1, 'Lock', 'AnotherRunActive']);
  holder.kill();
  await holder.catch(() => undefined);
  expect(await bench.chains()).toHaveLength(2);
}, 60_000);
