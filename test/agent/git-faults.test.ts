import { chmod, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync, inflateSync } from 'node:zlib';
import { execa } from 'execa';
import { outcomeOf, type AgentEnd } from './support/agent.ts';
import { makeDirectory } from './support/directories.ts';
import { byPath, makeGitBench, type GitBench } from './support/git-bench.ts';
import { commit, git, makeRepository, noise, serve } from './support/git-repository.ts';
import { ensurePrograms } from './support/packages.ts';
import { makePrograms } from './support/programs.ts';

let place: Awaited<ReturnType<typeof makeDirectory>>;
let bench: GitBench;
const claim = (): string => join(place.path, 'claim');
const tree = (): string => join(place.path, 'tree');
const served = (): string => join(claim(), 'ansible.git');

beforeAll(ensurePrograms, 120_000);
beforeEach(async () => {
  place = await makeDirectory();
  await mkdir(claim());
  await makeRepository(tree(), { commits: 6 });
  await serve(tree(), served());
  bench = await makeGitBench(() => byPath(claim(), '/ansible.git'));
}, 60_000);
afterEach(async () => {
  await bench.remove();
  await place.remove();
});

/** The outcome, after looking at what holds after every failure: nothing half made is left, no copy counts. */
const failureIn = async (end: AgentEnd): Promise<string> => {
  expect(end.exitCode).toBe(1);
  expect(end.result.made).toBeUndefined();
  expect(end.result.newest).toEqual({});
  expect(await bench.copies()).toEqual([]);
  const { copies, runs } = await bench.ledger();
  expect(copies).toEqual([]);
  expect(runs).toMatchObject([{ outcome: 'Failed', failure: end.result.failure }]);
  expect(await readdir(bench.files.scratch)).toEqual([]);
  return outcomeOf(end).replace(/^Failed: /, '');
};

test.each([
  { what: 'nothing is there', url: '/gone.git', expected: 'SourceNotFound at Connect' },
  { what: 'it is a file', url: '/file', expected: 'SourceNotFound at Connect' },
  { what: 'it is no repository', url: '/directory', expected: 'SourceNotFound at Connect' },
])(
  'a path where $what',
  async ({ url, expected }) => {
    await writeFile(join(claim(), 'file'), 'x');
    await mkdir(join(claim(), 'directory'));
    expect(await failureIn(await bench.dump({ git: byPath(claim(), url) }))).toBe(expected);
  },
  60_000,
);

describe('damage in the source', () => {
  /** Takes the packs of the server apart, so that each object has a file. */
  const loosen = async (): Promise<void> => {
    const packs = join(served(), 'objects/pack');
    for (const name of (await readdir(packs)).filter((each) => each.endsWith('.pack'))) {
      const content = await readFile(join(packs, name));
      await rm(join(packs, name));
      await rm(join(packs, name.replace('.pack', '.idx')));
      await execa('git', ['-C', served(), 'unpack-objects', '-q'], { input: content });
    }
  };
  const objectFile = async (name: string): Promise<string> => {
    const id = await git(served(), ['rev-parse', name]);
    const file = join(served(), 'objects', id.slice(0, 2), id.slice(2));
    await chmod(file, 0o644);
    return file;
  };
  const blob = 'main~3:roles/role-1/tasks/main.yml';

  test.each([
    {
      what: 'an object of the past is cut',
      damage: async () => {
        await loosen();
        const file = await objectFile(blob);
        await writeFile(file, (await readFile(file)).subarray(0, 40));
      },
    },
    {
      what: 'an object has other content than its name says',
      damage: async () => {
        await loosen();
        const file = await objectFile(blob);
        const content = inflateSync(await readFile(file));
        content[content.length - 5] = 88;
        await writeFile(file, deflateSync(content));
      },
    },
    {
      what: 'an object is missing',
      damage: async () => {
        await loosen();
        await rm(await objectFile(blob));
      },
    },
    {
      what: 'a tree is missing',
      damage: async () => {
        await loosen();
        await rm(await objectFile('main~2^{tree}'));
      },
    },
    {
      what: 'a byte of a pack is another',
      damage: async () => {
        const packs = join(served(), 'objects/pack');
        const [name = ''] = (await readdir(packs)).filter((each) => each.endsWith('.pack'));
        await chmod(join(packs, name), 0o644);
        const file = await open(join(packs, name), 'r+');
        const { size } = await file.stat();
        await file.write(Buffer.from([0xff, 0x00, 0xff]), 0, 3, Math.floor(size / 2));
        await file.close();
      },
    },
    {
      what: 'a ref leads to nothing',
      damage: () => writeFile(join(served(), 'refs/heads/broken'), `${'ab'.repeat(20)}\n`),
    },
    {
      what: 'a ref is empty, as after a power cut',
      damage: () => writeFile(join(served(), 'refs/heads/broken'), ''),
    },
    {
      what: 'its history is cut off',
      damage: async () => {
        await rm(served(), { recursive: true });
        await git(place.path, ['clone', '--quiet', '--mirror', '--depth=2', `file://${tree()}`, served()]);
      },
    },
    {
      what: 'the objects that it borrows are gone',
      damage: async () => {
        await rm(served(), { recursive: true });
        await git(place.path, ['clone', '--quiet', '--mirror', '--shared', tree(), served()]);
        await rm(tree(), { recursive: true });
      },
    },
  ])(
    '$what: no copy is made of it',
    async ({ damage }) => {
      await damage();
      const end = await bench.dump();
      expect(await failureIn(end)).toMatch(/^SourceDamaged at (Connect|Dump)$/);
    },
    60_000,
  );
});

describe('a git that does not do what it says', () => {
  const real = '/usr/bin/git';
  const instead = (command: string, script: string): string =>
    `case " $* " in *" ${command} "*) ${script} ;; esac\nexec ${real} "$@"`;
  const last = '"${@: -1}"';

  test.each([
    {
      what: 'fetches nothing',
      script: instead('clone', `exec ${real} init -q --bare ${last}`),
      expected: 'DumpFailed at Dump',
    },
    {
      what: 'leaves a branch out',
      script: instead('--no-local', `${real} "$@"; exec ${real} -C ${last} update-ref -d refs/heads/staging`),
      expected: 'DumpFailed at Dump',
    },
    {
      what: 'brings a branch in another state',
      script: instead('--no-local', `${real} "$@"; exec ${real} -C ${last} update-ref refs/heads/main main~1`),
      expected: 'DumpFailed at Dump',
    },
    {
      what: 'brings another HEAD',
      script: instead('--no-local', `${real} "$@"; exec ${real} -C ${last} symbolic-ref HEAD refs/heads/staging`),
      expected: 'DumpFailed at Dump',
    },
    {
      what: 'is killed while it fetches',
      script: instead('--no-local', 'kill -9 $$'),
      expected: 'DumpTruncated at Dump',
    },
    {
      what: 'is killed while it packs',
      script: instead('pack-objects', `${real} "$@" | head -c 2000; kill -9 $$`),
      expected: 'DumpTruncated at Dump',
    },
    { what: 'packs nothing', script: instead('pack-objects', 'exit 0'), expected: 'DumpTruncated at Check' },
    ...[1, 50, 99].map((percent) => ({
      what: `packs ${percent} %`,
      script: instead(
        'pack-objects',
        `f=$(mktemp); ${real} "$@" >$f; head -c $(( $(stat -c %s $f) * ${percent} / 100 )) $f; rm $f; exit 0`,
      ),
      expected: 'DumpTruncated at Check',
    })),
    {
      what: 'leaves an object out of the pack',
      script: instead('pack-objects', `head -n -1 | ${real} "$@"; exit 0`),
      expected: 'DumpTruncated at Check',
    },
    {
      what: 'leaves objects out of the list',
      script: instead('rev-list', `${real} "$@" | tail -n +3; exit 0`),
      expected: 'DumpTruncated at Check',
    },
    {
      what: 'flips a byte of the pack',
      script: instead('pack-objects', `${real} "$@" | sed 's/Mari/Mara/'; exit 0`),
      expected: 'DumpTruncated at Check',
    },
    {
      what: 'leaves a ref out of the bundle',
      script: `n=${'$'}(dirname "$0")/n; case " $* " in *" for-each-ref "*objectname*) echo >>$n; if [ $(wc -l <$n) = 2 ]; then ${real} "$@" | grep -v staging; exit 0; fi ;; esac\nexec ${real} "$@"`,
      expected: 'DumpTruncated at Check',
    },
    {
      what: 'finds damage in what was read back',
      script: instead('fsck', `echo "missing blob ${'ab'.repeat(20)}"; exit 2`),
      expected: 'SourceDamaged at Check',
    },
    { what: 'is killed while it checks', script: instead('fsck', 'kill -9 $$'), expected: 'DumpTruncated at Check' },
    { what: 'fails without a word', script: instead('--no-local', 'exit 128'), expected: 'DumpFailed at Dump' },
    {
      what: 'complains and says that all is well',
      script: instead('--no-local', `echo "error: something odd" >&2`),
      expected: 'DumpFailed at Dump',
    },
  ])(
    '$what',
    async ({ script, expected }) => {
      const programs = await makePrograms({ git: script });
      try {
        expect(await failureIn(await bench.dump({ programs: programs.path }))).toBe(expected);
      } finally {
        await programs.remove();
      }
    },
    60_000,
  );
});

test('refs that move while they are fetched are copied in a state that they had', async () => {
  const programs = await makePrograms({
    git: `case " $* " in *" --no-local "*) /usr/bin/git -C ${served()} update-ref refs/heads/main main~1
      /usr/bin/git -C ${served()} update-ref refs/heads/new main; /usr/bin/git -C ${served()} update-ref -d refs/heads/staging ;; esac
      exec /usr/bin/git "$@"`,
  });
  try {
    const end = await bench.dump({ programs: programs.path });
    expect(outcomeOf(end)).toBe('Succeeded');
    expect(end.log).toContain('refs moved while they were fetched');
    const facts = await bench.facts();
    expect(facts.refs.map(({ name }) => name)).toEqual(['refs/heads/main', 'refs/heads/new', 'refs/tags/v1']);
    expect(facts.refs[0]?.object).toBe(await git(served(), ['rev-parse', 'main']));
  } finally {
    await programs.remove();
  }
}, 60_000);

test('a claim that is full is told, wherever it is noticed', async () => {
  await commit(tree(), { 'big.bin': noise('full', 1_000_000) });
  await git(served(), ['fetch', '--quiet', tree(), '+refs/*:refs/*']);
  // Room for nothing, and for what is fetched but not for the bundle beside it.
  for (const size of ['512k', '1500k']) {
    await execa('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', bench.files.claim]);
    try {
      expect(`${size} ${await failureIn(await bench.dump())}`).toBe(`${size} OutOfScratchSpace at Dump`);
    } finally {
      await execa('umount', [bench.files.claim]);
    }
  }
}, 120_000);

test('a run that is told to stop says so, and git is stopped with it', async () => {
  const pidFile = join(place.path, 'pid');
  const programs = await makePrograms({
    git: `case " $* " in *" --no-local "*) echo $$ >${pidFile}; exec sleep 300 ;; esac\nexec /usr/bin/git "$@"`,
  });
  try {
    const agent = await bench.start({ programs: programs.path });
    for (let tries = 0; tries < 400 && !(await stat(pidFile).catch(() => undefined)); tries += 1) await sleep(50);
    agent.terminate();
    expect(await failureIn(await agent.end)).toBe('Interrupted at Dump');
    const state = await readFile(`/proc/${(await readFile(pidFile, 'utf8')).trim()}/stat`, 'utf8').catch(() => 'gone');
    expect(state === 'gone' || / Z /.test(state)).toBe(true);
  } finally {
    await programs.remove();
  }
}, 60_000);
