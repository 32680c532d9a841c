import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readDigests } from './support/duplicity-bench.ts';
import { outcomeOf } from './support/agent.ts';
import { makeDirectory } from './support/directories.ts';
import { byPath, makeGitBench, type GitBench } from './support/git-bench.ts';
import {
  addOddities,
  commit,
  contentOf,
  git,
  makeRepository,
  publish,
  restoreCopy,
  serve,
} from './support/git-repository.ts';
import { ensurePrograms } from './support/packages.ts';

let place: Awaited<ReturnType<typeof makeDirectory>>;
let bench: GitBench;
const tree = (): string => join(place.path, 'tree');
const served = (): string => join(place.path, 'claim/ops/ansible.git');

beforeAll(ensurePrograms, 120_000);
beforeEach(async () => {
  place = await makeDirectory();
  await mkdir(join(place.path, 'claim'));
  bench = await makeGitBench(() => byPath(join(place.path, 'claim'), '/ops/ansible.git'));
});
afterEach(async () => {
  await bench.remove();
  await place.remove();
});

/** What a checkout of a repository's HEAD has, the directory of git aside. */
const checkout = async (repository: string, name: string): Promise<Record<string, string>> => {
  const target = join(place.path, name);
  await git(place.path, ['clone', '--quiet', repository, target]);
  return Object.fromEntries(Object.entries(await readDigests(target)).filter(([file]) => !file.startsWith('.git/')));
};

/** Copies the repository and restores the copy by plain git. */
const dumpAndRestore = async (name = 'restored.git'): Promise<string> => {
  const end = await bench.dump();
  expect(outcomeOf(end)).toBe('Succeeded');
  expect(await readdir(bench.files.scratch)).toEqual([]);
  return restoreCopy(await bench.newest(), join(place.path, name));
};

test('every ref and every object comes back, and so does the working tree', async () => {
  await makeRepository(tree());
  await addOddities(tree());
  await serve(tree(), served());
  const restored = await dumpAndRestore();
  expect((await readdir(await bench.newest())).toSorted()).toEqual([
    'HEAD',
    'copy.json',
    'facts.json',
    'repository.bundle',
  ]);
  const expected = await contentOf(served());
  expect(expected.refs.split('\n').length).toBeGreaterThan(300);
  expect(await contentOf(restored)).toEqual(expected);
  expect(await checkout(restored, 'after')).toEqual(await checkout(served(), 'before'));

  const facts = await bench.facts();
  expect(facts.refs.map(({ name, object }) => `${name} ${object}`).join('\n')).toBe(
    await git(served(), ['for-each-ref', '--format=%(refname) %(objectname)']),
  );
  expect(facts).toMatchObject({ head: 'ref: refs/heads/main', objectFormat: 'sha1', flaws: 0 });
  const types = (await git(served(), ['cat-file', '--batch-all-objects', '--batch-check=%(objecttype)'])).split('\n');
  for (const [type, count] of Object.entries(facts.objects)) {
    expect({ type, count }).toEqual({ type, count: types.filter((each) => each === type).length });
  }
}, 60_000);

test.each([
  { what: 'is empty', make: async () => undefined, head: 'ref: refs/heads/main', refs: 0 },
  {
    what: 'has a HEAD that leads nowhere',
    make: async () => {
      await makeRepository(tree());
      await git(tree(), ['symbolic-ref', 'HEAD', 'refs/heads/not-yet']);
    },
    head: 'ref: refs/heads/not-yet',
    refs: 3,
  },
  {
    what: 'has a detached HEAD with commits of its own',
    make: async () => {
      await makeRepository(tree());
      await git(tree(), ['checkout', '--quiet', '--detach']);
      await commit(tree(), { 'only-here': 'x' }, 'Detached');
    },
    head: expect.stringMatching(/^[0-9a-f]{40}$/),
    refs: 3,
  },
  {
    what: 'has another branch than main as its HEAD, at the same commit',
    make: async () => {
      await makeRepository(tree());
      await git(tree(), ['checkout', '--quiet', '-b', 'a-branch']);
    },
    head: 'ref: refs/heads/a-branch',
    refs: 4,
  },
  {
    what: 'has SHA-256 names',
    make: () => makeRepository(tree(), { format: 'sha256' }),
    head: 'ref: refs/heads/main',
    refs: 3,
    objectFormat: 'sha256',
  },
])('a repository that $what comes back as it is', async ({ make, head, refs, objectFormat = 'sha1' }) => {
  await mkdir(tree());
  await git(tree(), ['init', '--quiet', '--initial-branch=main']);
  if (objectFormat !== 'sha1') await rm(join(tree(), '.git'), { recursive: true });
  await make();
  await serve(tree(), served());
  const restored = await dumpAndRestore();
  expect(await contentOf(restored)).toEqual(await contentOf(served()));
  const facts = await bench.facts();
  expect(facts).toMatchObject({ head, objectFormat });
  expect(facts.refs).toHaveLength(refs);
});

test('a repository with a working tree is copied, and what is not committed is named as not covered', async () => {
  await makeRepository(join(place.path, 'claim/ops/ansible.git'));
  const restored = await dumpAndRestore();
  expect(await contentOf(restored)).toEqual(await contentOf(join(served(), '.git')));
  expect((await bench.ledger()).copies.at(-1)?.notCovered).toEqual([
    'what is not committed in the working tree /ops/ansible.git',
  ]);
});

test('submodules, content of Git LFS and symbolic refs are named as not covered', async () => {
  await makeRepository(tree());
  const object = await git(tree(), ['rev-parse', 'HEAD']);
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize 12345\n`;
  await commit(tree(), { 'images/disk.img': pointer, 'docs/lfs.md': 'version https://git-lfs.github.com/spec/v1\n' });
  await git(tree(), ['update-index', '--add', '--cacheinfo', `160000,${object},roles/vendor`]);
  await git(tree(), ['commit', '--quiet', '--message', 'A submodule']);
  await git(tree(), ['branch', 'other']);
  await git(tree(), ['symbolic-ref', 'refs/heads/alias', 'refs/heads/main']);
  await serve(tree(), served());
  await git(served(), ['symbolic-ref', 'refs/heads/alias', 'refs/heads/main']);
  const restored = await dumpAndRestore();
  expect(await contentOf(restored)).toEqual(await contentOf(served()));
  expect((await bench.ledger()).copies.at(-1)?.notCovered).toEqual([
    'submodule roles/vendor (branch alias and 2 more): a repository of its own, which needs a policy of its own',
    'the content of 1 file that Git LFS keeps elsewhere, such as images/disk.img (branch alias and 2 more)',
    'that refs/heads/alias stands for refs/heads/main: it is kept as a ref of its own',
  ]);
});

test('objects that git fsck complains about but that are whole come back as they are', async () => {
  await makeRepository(tree());
  const odd = `tree ${await git(tree(), ['rev-parse', 'HEAD^{tree}'])}\nauthor A <a@b> 1 +051800\ncommitter A <a@b> 1 +0000\n\nOld\n`;
  const id = await git(tree(), ['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'], { input: odd });
  await git(tree(), ['update-ref', 'refs/heads/old', id]);
  await serve(tree(), served());
  const restored = await dumpAndRestore();
  expect(await git(restored, ['cat-file', 'commit', 'refs/heads/old'])).toBe(odd.trimEnd());
  expect((await bench.facts()).flaws).toBe(1);
});

test('two copies of an unchanged repository are equal, however the server keeps it', async () => {
  await makeRepository(tree(), { commits: 30 });
  await serve(tree(), served());
  const bundle = async () => readFile(join(await bench.newest(), 'repository.bundle'));
  expect(outcomeOf(await bench.dump())).toBe('Succeeded');
  const first = await bundle();
  await git(served(), ['repack', '-a', '-d', '-f', '--depth=3', '--window=3']);
  await git(served(), ['pack-refs', '--all']);
  expect(outcomeOf(await bench.dump())).toBe('Succeeded');
  expect((await bundle()).equals(first)).toBe(true);

  // A commit more: what was there is there, nearly all of it in the same bytes.
  await commit(tree(), { 'roles/role-1/tasks/main.yml': '- name: new\n' });
  await git(served(), ['fetch', '--quiet', tree(), '+refs/*:refs/*']);
  expect(outcomeOf(await bench.dump())).toBe('Succeeded');
  const chunks = (data: Buffer): string[] => data.toString('latin1').match(/[\s\S]{1,64}/g) ?? [];
  const text = (await bundle()).toString('latin1');
  const kept = chunks(first).filter((chunk) => text.includes(chunk)).length;
  expect(kept / chunks(first).length).toBeGreaterThan(0.9);
});

test('nothing of the repository, the user or the system runs', async () => {
  await makeRepository(tree());
  await serve(tree(), served());
  const witness = join(place.path, 'ran');
  await mkdir(join(served(), 'hooks'), { recursive: true });
  for (const hook of ['post-checkout', 'reference-transaction', 'post-update', 'pre-auto-gc']) {
    await writeFile(join(served(), 'hooks', hook), `#!/bin/sh\ntouch ${witness}\n`, { mode: 0o755 });
  }
  await git(served(), ['config', 'uploadpack.packObjectsHook', `touch ${witness};`]);
  await git(served(), ['config', 'core.fsmonitor', `touch ${witness}`]);
  await git(served(), ['config', 'core.sshCommand', `touch ${witness}`]);
  await dumpAndRestore();
  expect(await readdir(place.path)).not.toContain('ran');
});

test('branches and tags that are gone are told, and a repository that lost most of its objects is marked', async () => {
  await makeRepository(tree(), { commits: 20 });
  await git(tree(), ['update-ref', 'refs/pull/1/merge', 'main~1']);
  await serve(tree(), served());
  expect((await bench.dump()).result.notes).toEqual([]);
  const [first] = (await bench.ledger()).copies;
  expect(first).toMatchObject({ holding: ['refs/heads/main', 'refs/heads/staging', 'refs/tags/v1'] });
  const objects = (await git(served(), ['rev-list', '--objects', '--all'])).split('\n').length;
  expect(first?.rows).toBe(objects);

  // What servers make for pull requests comes and goes.
  for (const ref of ['refs/heads/staging', 'refs/pull/1/merge']) await git(tree(), ['update-ref', '-d', ref]);
  await publish(tree(), served());
  expect((await bench.dump()).result.notes).toMatchObject([
    { reason: 'ContentGone', message: expect.stringMatching(/ and nothing now: refs\/heads\/staging\.$/) },
  ]);

  // As a forced push does that throws the history away.
  await git(tree(), ['tag', '--delete', 'v1']);
  await git(tree(), ['reset', '--quiet', '--hard', 'main~17']);
  await publish(tree(), served());
  const { notes } = (await bench.dump()).result;
  expect(notes.map(({ reason }) => reason).toSorted()).toEqual(['ContentGone', 'SourceShrunk']);
  expect((await bench.ledger()).copies.at(-1)?.shrunk).toMatch(new RegExp(`^\\d+ rows instead of the ${objects} of `));
}, 60_000);
