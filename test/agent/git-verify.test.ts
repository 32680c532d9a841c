import { chmod, cp, mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { createGitVerifier } from '../../src/agent/engines/git/verify.ts';
import type { Compared, VerifyEngine } from '../../src/agent/verify/engine.ts';
import { outcomeOf } from './support/agent.ts';
import { makeDirectory } from './support/directories.ts';
import { makeEngineBench, reasonOf, verdictOf, withPath, type EngineBench } from './support/engine-verify.ts';
import { byPath, makeGitBench, type GitBench } from './support/git-bench.ts';
import {
  addOddities,
  commit,
  contentOf,
  git,
  makeRepository,
  noise,
  publish,
  serve,
} from './support/git-repository.ts';
import { ensurePrograms } from './support/packages.ts';
import { makePrograms } from './support/programs.ts';
import { withSmallDisk } from './support/small-disk.ts';

const minutes = 120_000;

let place: Awaited<ReturnType<typeof makeDirectory>>;
let dumps: GitBench;
let bench: EngineBench;
let engine: VerifyEngine;
const tree = (): string => join(place.path, 'tree');
const served = (): string => join(place.path, 'claim/ansible.git');
const loaded = (): string => join(bench.fetched, 'scratch-repository');

beforeAll(ensurePrograms, minutes);
beforeEach(async () => {
  place = await makeDirectory();
  await mkdir(join(place.path, 'claim'));
  dumps = await makeGitBench(() => byPath(join(place.path, 'claim'), '/ansible.git'));
  bench = await makeEngineBench({ git: {} });
  engine = createGitVerifier({});
});
afterEach(async () => {
  await bench.remove();
  await dumps.remove();
  await place.remove();
});

/** A local copy as the agent makes it of what is served. */
const dumped = async (): Promise<string> => {
  const end = await dumps.dump();
  if (outcomeOf(end) !== 'Succeeded') throw new Error(end.log);
  return dumps.newest();
};

/** A backup of a usual repository, as a set that was fetched. */
const usual = async (): Promise<string> => {
  await makeRepository(tree());
  await commit(tree(), { 'once.txt': 'first\n' });
  await commit(tree(), { 'once.txt': 'second\n' });
  await serve(tree(), served());
  return bench.lay(await dumped());
};

const compared = async (directory: string): Promise<Compared> => {
  const found = await verdictOf(engine, bench, directory);
  if (typeof found === 'string') throw new Error(found);
  return found;
};

describe('a repository loads, and is found equal in all of it', () => {
  test(
    'with refs of all kinds, odd names, a signed tag, a thousand branches and a large file',
    async () => {
      await makeRepository(tree());
      await addOddities(tree());
      await commit(tree(), { 'files/large.bin': noise('large', 34 * 1024 * 1024), 'bin/run': '#!/bin/sh\n' });
      await chmod(join(tree(), 'bin/run'), 0o755);
      await symlink('../bin/run', join(tree(), 'files/link'));
      await commit(tree(), {});
      const key = join(place.path, 'key');
      await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
      await git(tree(), [
        '-c',
        'gpg.format=ssh',
        '-c',
        `user.signingkey=${key}`,
        'tag',
        '-s',
        '-m',
        'Signed',
        'signed',
      ]);
      const head = await git(tree(), ['rev-parse', 'HEAD']);
      const lines = Array.from({ length: 1000 }, (_, number) => `create refs/heads/thousand/${number} ${head}\n`);
      await git(tree(), ['update-ref', '--stdin'], { input: lines.join('') });
      await serve(tree(), served());
      const directory = await bench.lay(await dumped());
      expect(await engine.start(bench.context)).toMatch(/^git 2\.\d+/);
      expect(await engine.unsuitable(directory, 'git 1.0')).toBeUndefined();
      const found = await compared(directory);
      expect(found).toEqual({
        objects: expect.any(Number),
        rows: expect.any(Number),
        mismatches: [],
        notWitnessed: [],
      });
      const refs = (await git(served(), ['for-each-ref'])).split('\n').length;
      expect(refs).toBeGreaterThan(1300);
      expect(found.objects).toBe(refs + 1);
      expect(found.rows).toBe(
        (await git(served(), ['cat-file', '--batch-all-objects', '--batch-check'])).split('\n').length,
      );
      expect(await contentOf(join(loaded(), 'repository.git'))).toEqual(await contentOf(served()));
      const large = await readFile(join(loaded(), 'tree/files/large.bin'));
      expect(large.equals(noise('large', 34 * 1024 * 1024))).toBe(true);
      expect(await readdir(bench.context.task.scratch)).toEqual([]);

      await engine.clear(bench.context);
      expect(await readdir(bench.fetched)).toEqual(['latest']);
      expect(await verdictOf(engine, bench, directory)).toEqual(found);
    },
    minutes,
  );

  test.each<{ what: string; make: () => Promise<void>; files: string[] }>([
    {
      what: 'is empty',
      make: async () => {
        await mkdir(tree());
        await git(tree(), ['init', '--quiet', '--initial-branch=main']);
      },
      files: [],
    },
    {
      what: 'has a HEAD that leads nowhere',
      make: async () => {
        await makeRepository(tree());
        await git(tree(), ['symbolic-ref', 'HEAD', 'refs/heads/not-yet']);
      },
      files: [],
    },
    {
      what: 'has a detached HEAD with commits of its own',
      make: async () => {
        await makeRepository(tree());
        await git(tree(), ['checkout', '--quiet', '--detach']);
        await commit(tree(), { 'only-here': 'x' }, 'Detached');
      },
      files: ['only-here', 'roles'],
    },
    { what: 'has SHA-256 names', make: () => makeRepository(tree(), { format: 'sha256' }), files: ['roles'] },
    {
      what: 'has files that attributes and filters would change on their way out',
      make: async () => {
        await makeRepository(tree());
        // Not by `git add`, which would change them on their way in.
        for (const [name, content] of Object.entries({
          'windows.txt': 'one\r\ntwo\r\n',
          'unix.txt': 'one\ntwo\n',
          'id.txt': '$Id$\n',
          '.gitattributes': '*.txt text eol=crlf ident filter=evil\n*.yml working-tree-encoding=UTF-16\n',
        })) {
          const id = await git(tree(), ['hash-object', '-w', '--no-filters', '--stdin'], { input: content });
          await git(tree(), ['update-index', '--add', '--cacheinfo', `100644,${id},${name}`]);
        }
        await git(tree(), ['commit', '--quiet', '--message', 'Attributes']);
      },
      files: ['.gitattributes', 'id.txt', 'roles', 'unix.txt', 'windows.txt'],
    },
    {
      what: 'has a submodule',
      make: async () => {
        await makeRepository(tree());
        const object = await git(tree(), ['rev-parse', 'HEAD']);
        await git(tree(), ['update-index', '--add', '--cacheinfo', `160000,${object},vendor`]);
        await git(tree(), ['commit', '--quiet', '--message', 'A submodule']);
      },
      files: ['roles', 'vendor'],
    },
    {
      what: 'has an old object that git fsck complains about: it is as it was made, and only counted',
      make: async () => {
        await makeRepository(tree());
        const odd = `tree ${await git(tree(), ['rev-parse', 'HEAD^{tree}'])}\nauthor A <a@b> 1 +051800\ncommitter A <a@b> 1 +0000\n\nOld\n`;
        const id = await git(tree(), ['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'], { input: odd });
        await git(tree(), ['update-ref', 'refs/heads/old', id]);
      },
      files: ['roles'],
    },
  ])(
    'which $what',
    async ({ make, files }) => {
      await make();
      await serve(tree(), served());
      const directory = await bench.lay(await dumped());
      expect(await verdictOf(engine, bench, directory)).toMatchObject({ mismatches: [], notWitnessed: [] });
      expect((await readdir(join(loaded(), 'tree')).catch(() => [])).toSorted()).toEqual(files.toSorted());
    },
    minutes,
  );
});

/** A bundle taken apart: its head in lines, and its pack. */
const editBundle = async (
  directory: string,
  edit: (refs: string[], pack: Buffer) => { refs: string[]; pack: Buffer } | Promise<{ refs: string[]; pack: Buffer }>,
): Promise<void> => {
  const path = join(directory, 'repository.bundle');
  const bytes = await readFile(path);
  const end = bytes.indexOf('\n\n') + 2;
  const [first = '', ...refs] = bytes
    .subarray(0, end - 2)
    .toString('latin1')
    .split('\n');
  const changed = await edit(refs, bytes.subarray(end));
  const head = Buffer.from(`${[first, ...changed.refs].join('\n')}\n\n`, 'latin1');
  await writeFile(path, Buffer.concat([head, changed.pack]));
};

/** A pack of what is served, of other objects than all. */
const packOf = async (edit: (objects: string[]) => string[]): Promise<Buffer> => {
  const all = (await git(served(), ['rev-list', '--objects', '--no-object-names', '--all'])).split('\n');
  const { stdout } = await execa('git', ['-C', served(), 'pack-objects', '--stdout', '-q'], {
    input: `${edit(all).join('\n')}\n`,
    encoding: 'buffer',
  });
  return Buffer.from(stdout);
};

const changeFacts = async (directory: string, change: Record<string, unknown>): Promise<void> => {
  const path = join(directory, 'facts.json');
  const facts = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  await writeFile(path, JSON.stringify({ ...facts, ...change }));
};

describe('a backup that is not what was dumped', () => {
  test.each<{ what: string; tamper: (directory: string) => Promise<void>; expected: RegExp }>([
    {
      what: 'the bundle is missing',
      tamper: (directory) => rm(join(directory, 'repository.bundle')),
      expected: /^BackupNotLoadable: The bundle cannot be cloned: .*repository '.*' does not exist/,
    },
    {
      what: 'the bundle is cut',
      tamper: (directory) => editBundle(directory, (refs, pack) => ({ refs, pack: pack.subarray(0, pack.length / 2) })),
      expected: /^BackupNotLoadable: The bundle cannot be cloned: .*(early EOF|index-pack)/,
    },
    {
      what: 'the bundle holds nothing',
      tamper: (directory) => writeFile(join(directory, 'repository.bundle'), ''),
      expected: /^BackupNotLoadable: The bundle cannot be cloned: /,
    },
    {
      what: 'a byte of an object is another',
      tamper: (directory) =>
        editBundle(directory, (refs, pack) => {
          const changed = Buffer.from(pack);
          changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
          return { refs, pack: changed };
        }),
      expected: /^BackupNotLoadable: The bundle cannot be cloned: /,
    },
    {
      what: 'an object is not in it',
      tamper: (directory) =>
        editBundle(directory, async (refs) => {
          const blob = await git(served(), ['rev-parse', 'main~1:once.txt']);
          return { refs, pack: await packOf((objects) => objects.filter((id) => id !== blob)) };
        }),
      expected: /^BackupNotLoadable: The bundle cannot be cloned: /,
    },
    {
      what: 'HEAD is missing',
      tamper: (directory) => rm(join(directory, 'HEAD')),
      expected: /^BackupNotLoadable: The file HEAD of the backup cannot be read\.$/,
    },
    {
      what: 'HEAD is none of git’s',
      tamper: (directory) => writeFile(join(directory, 'HEAD'), 'ref: ../../../etc/passwd\n'),
      expected:
        /^BackupNotLoadable: The file HEAD of the backup is none of git's: ref: \.\.\/\.\.\/\.\.\/etc\/passwd\.$/,
    },
    {
      what: 'it has no facts',
      tamper: (directory) => rm(join(directory, 'facts.json')),
      expected: /^BackupDamaged: facts\.json of the backup is not there\.$/,
    },
    {
      what: 'its facts are those of another kind of source',
      tamper: (directory) => changeFacts(directory, { engine: 'influxdb' }),
      expected: /^BackupDamaged: facts\.json of the backup cannot be read/,
    },
  ])(
    'is not loaded: $what',
    async ({ tamper, expected }) => {
      const directory = await usual();
      await tamper(directory);
      expect(await verdictOf(engine, bench, directory)).toMatch(expected);
    },
    minutes,
  );

  test.each<{ what: string; tamper: (directory: string) => Promise<void>; mismatches: RegExp[] }>([
    {
      what: 'a ref is missing',
      tamper: (directory) =>
        editBundle(directory, (refs, pack) => ({ refs: refs.filter((line) => !line.endsWith('/staging')), pack })),
      mismatches: [/^ref refs\/heads\/staging: missing$/],
    },
    {
      what: 'the bundle is cut in its head, which git takes for one without refs',
      tamper: async (directory) => {
        const bytes = await readFile(join(directory, 'repository.bundle'));
        await writeFile(join(directory, 'repository.bundle'), bytes.subarray(0, 60));
      },
      mismatches: [/^ref refs\/heads\/main: missing$/, /^objects of type commit: 0 instead of 14$/],
    },
    {
      what: 'a ref was moved',
      tamper: (directory) =>
        editBundle(directory, (refs, pack) => {
          const main = refs.find((line) => line.endsWith(' refs/heads/main'))?.slice(0, 40) ?? '';
          return { refs: refs.map((line) => (line.endsWith('/staging') ? `${main} refs/heads/staging` : line)), pack };
        }),
      mismatches: [/^ref refs\/heads\/staging: [0-9a-f]{12} instead of [0-9a-f]{12}$/],
    },
    {
      what: 'a ref came',
      tamper: (directory) =>
        editBundle(directory, (refs, pack) => ({
          refs: [`${refs[0]?.slice(0, 40)} refs/heads/stranger`, ...refs],
          pack,
        })),
      mismatches: [/^ref refs\/heads\/stranger: unexpected$/],
    },
    {
      what: 'an object came that no ref leads to',
      tamper: async (directory) => {
        const stranger = await git(served(), ['hash-object', '-w', '--stdin'], { input: 'stranger' });
        await editBundle(directory, async (refs) => ({
          refs,
          pack: await packOf((objects) => [...objects, stranger]),
        }));
      },
      mismatches: [/^objects of type blob: \d+ instead of \d+$/],
    },
    {
      what: 'HEAD stands for another branch',
      tamper: (directory) => writeFile(join(directory, 'HEAD'), 'ref: refs/heads/staging\n'),
      mismatches: [/^HEAD: ref: refs\/heads\/staging instead of ref: refs\/heads\/main$/],
    },
    {
      what: 'HEAD stands for a branch that there is not',
      tamper: (directory) => writeFile(join(directory, 'HEAD'), 'ref: refs/heads/gone\n'),
      mismatches: [/^HEAD: ref: refs\/heads\/gone instead of ref: refs\/heads\/main$/],
    },
    {
      what: 'the whole is an older one',
      tamper: async (directory) => {
        const facts = await readFile(join(directory, 'facts.json'));
        const kept = join(place.path, 'older');
        await cp(directory, kept, { recursive: true });
        await commit(tree(), { 'roles/new.yml': '- name: new\n' });
        await publish(tree(), served());
        const newer = await dumped();
        await rm(directory, { recursive: true });
        await cp(kept, directory, { recursive: true });
        await cp(join(newer, 'facts.json'), join(directory, 'facts.json'));
        if ((await readFile(join(directory, 'facts.json'))).equals(facts)) throw new Error('the facts are the same');
      },
      mismatches: [/^ref refs\/heads\/main: /, /^objects of type commit: 14 instead of 15$/],
    },
    {
      what: 'as many objects, and others',
      tamper: (directory) => changeFacts(directory, { objectsDigest: 'ab'.repeat(32) }),
      mismatches: [/^objects: others than recorded, as many$/],
    },
  ])(
    'is found out after the load: $what',
    async ({ tamper, mismatches }) => {
      const directory = await usual();
      await tamper(directory);
      const found = await compared(directory);
      for (const words of mismatches) {
        expect(found.mismatches).toEqual(expect.arrayContaining([expect.stringMatching(words)]));
      }
    },
    minutes,
  );
});

/** The real git is at hand as $git, and $command is what it is asked for. */
const withGit = async <T>(script: string, work: () => Promise<T>): Promise<T> => {
  const programs = await makePrograms({
    git: `git=/usr/bin/git
for each in "$@"; do case $each in clone | fsck | read-tree | cat-file | update-index | diff-index) command=$each; break ;; esac; done
target=\${@: -1}
${script}
exec "$git" "$@"`,
  });
  try {
    return await withPath(programs.path, work);
  } finally {
    await programs.remove();
  }
};

describe('a git that lies', () => {
  /** After the clone all is loose, and one blob of the past is gone. */
  const withoutBlob = `if [ "$command" = clone ]; then
  set -e; "$git" "$@"; cd "$target"
  mv objects/pack/*.pack pack; rm -f objects/pack/*; "$git" unpack-objects -q <pack; rm pack
  blob=$("$git" rev-parse main~1:once.txt); rm -f "objects/\${blob:0:2}/\${blob:2}"; exit 0
fi`;

  /** Nothing is checked out. */
  const withoutTree = `if [ "$command" = read-tree ]; then case "$*" in *' -u '*) exit 0 ;; esac; fi`;

  test.each<{ what: string; script: string; expected: RegExp }>([
    {
      what: 'clones nothing and says it succeeded',
      script: '[ "$command" != clone ] || exit 0',
      expected: /^BackupNotLoadable: git said that it cloned the bundle, but there is no repository\.$/,
    },
    {
      what: 'complains and says it succeeded',
      script: '[ "$command" != clone ] || { "$git" "$@"; echo "error: unable to read sha1 file" >&2; exit 0; }',
      expected: /^BackupNotLoadable: The bundle cannot be cloned: /,
    },
    {
      what: 'is killed while it clones',
      script: '[ "$command" != clone ] || kill -9 $$',
      expected: /^SandboxUnavailable: The bundle cannot be cloned: git was ended by SIGKILL/,
    },
    {
      what: 'is killed while it checks',
      script: '[ "$command" != fsck ] || kill -9 $$',
      expected: /^SandboxUnavailable: .*git was ended by SIGKILL/,
    },
  ])(
    '$what',
    async ({ script, expected }) => {
      const directory = await usual();
      expect(await withGit(script, () => verdictOf(engine, bench, directory))).toMatch(expected);
    },
    minutes,
  );

  test.each<{ what: string; script: string; mismatches: RegExp[] }>([
    {
      what: 'clones half of the refs',
      script:
        'if [ "$command" = clone ]; then "$git" "$@"; "$git" -C "$target" update-ref -d refs/heads/staging; exit 0; fi',
      mismatches: [/^ref refs\/heads\/staging: missing$/],
    },
    {
      what: 'loses an object',
      script: withoutBlob,
      mismatches: [/^git fsck says: (broken link from tree|missing blob) /],
    },
    {
      what: 'loses an object, and sees nothing when it checks',
      script: `${withoutBlob}\n[ "$command" != fsck ] || exit 0`,
      mismatches: [/^objects of type blob: \d+ instead of \d+$/],
    },
    {
      what: 'checks nothing out',
      script: withoutTree,
      mismatches: [/^file roles\/role-0\/tasks\/main\.yml: not as in HEAD$/],
    },
    {
      what: 'checks nothing out, and reads no tree to compare with',
      script: '[ "$command" != read-tree ] || exit 0',
      mismatches: [/^file roles\/role-0\/tasks\/main\.yml: not as in HEAD$/],
    },
    {
      what: 'checks nothing out, and says that every file is as in the index',
      script: `${withoutTree}\n[ "$command" != update-index ] || exit 0`,
      mismatches: [/^file roles\/role-0\/tasks\/main\.yml: not as in HEAD$/],
    },
    {
      what: 'checks nothing out, and says that every file is as in HEAD',
      script: `${withoutTree}\n[ "$command" != diff-index ] || exit 0`,
      mismatches: [/^file roles\/role-0\/tasks\/main\.yml: not as in HEAD$/],
    },
    {
      what: 'says that HEAD leads nowhere',
      script: 'case "$*" in *"HEAD^{commit}"*) exit 1 ;; esac',
      mismatches: [/^file \. \(the whole working tree\): not as in HEAD$/],
    },
  ])(
    '$what',
    async ({ script, mismatches }) => {
      const directory = await usual();
      const found = await withGit(script, () => compared(directory));
      for (const words of mismatches) {
        expect(found.mismatches).toEqual(expect.arrayContaining([expect.stringMatching(words)]));
      }
    },
    minutes,
  );

  test(
    'hangs: it is stopped when the time is over',
    async () => {
      await bench.remove();
      bench = await makeEngineBench({ git: {} }, { deadlineSeconds: 3 });
      const directory = await usual();
      expect(
        await withGit('[ "$command" != clone ] || exec sleep 60', () => verdictOf(engine, bench, directory)),
      ).toMatch(/^DeadlineExceeded/);
    },
    minutes,
  );
});

test(
  'every file of the working tree is read, whatever its size and times say',
  async () => {
    const directory = await usual();
    await engine.load(bench.context, directory);
    const path = join(loaded(), 'tree/roles/role-1/tasks/main.yml');
    const text = await readFile(path, 'utf8');
    const times = new Date(0);
    await utimes(path, times, times);
    expect((await engine.compare(bench.context, directory)).mismatches).toEqual([]);
    await writeFile(path, text.replace('value-', 'valuE-'));
    await utimes(path, times, times);
    expect((await engine.compare(bench.context, directory)).mismatches).toEqual([
      'file roles/role-1/tasks/main.yml: not as in HEAD',
    ]);
    await writeFile(path, text);
    await rm(join(loaded(), 'tree/roles/role-2'), { recursive: true });
    expect((await engine.compare(bench.context, directory)).mismatches).toEqual([
      'file roles/role-2/tasks/main.yml: not as in HEAD',
    ]);
  },
  minutes,
);

test(
  'a disk that is too small: nothing is said of the backup',
  async () => {
    await makeRepository(tree());
    await commit(tree(), { 'big.bin': noise('big', 3_000_000) });
    await serve(tree(), served());
    const directory = await bench.lay(await dumped());
    const disk = join(bench.fetched, 'small');
    for (const size of ['1m', '5m']) {
      await withSmallDisk(disk, size, async () => {
        const context = { ...bench.context, task: { ...bench.context.task, fetched: disk } };
        expect(await verdictOf(engine, { context }, directory)).toMatch(
          /^SandboxTooSmall: .*(No space left on device|is full)/,
        );
      });
    }
  },
  minutes,
);

test('git takes no queries', async () => {
  expect(await engine.query(bench.context, bench.fetched, 'SELECT 1').catch(reasonOf)).toBe(
    'QueryFailed: A git repository takes no queries: remove spec.verification.queries.',
  );
});
