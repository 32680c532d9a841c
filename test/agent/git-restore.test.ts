import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outcomeOf } from './support/agent.ts';
import { makeDirectory } from './support/directories.ts';
import { byPath, bySsh, makeGitBench, type GitBench, type GitInput } from './support/git-bench.ts';
import { startGitHttps, type GitHttps } from './support/git-https.ts';
import { addOddities, commit, contentOf, git, makeRepository, publish, serve } from './support/git-repository.ts';
import { equal, failureOf, killSwap, makeRestoreBench, startSwap, type RestoreBench } from './support/engine-restore-bench.ts';
import { startBackupHost, type BackupHost } from './support/ssh.ts';

const minutes = 120_000;
const account = { username: 'deploy', password: 'pa$$ "word" õ' };
const safety = 'refs/holdfast/0a1b2c3d/';

let host: BackupHost;
let https: GitHttps;
let root: Awaited<ReturnType<typeof makeDirectory>>;
let place: string;
let dumps: GitBench;
let bench: RestoreBench;
let directory: string;
let number = 0;

const tree = (): string => join(place, 'tree');
const served = (): string => join(place, 'ops/ansible.git');

beforeAll(async () => {
  host = await startBackupHost();
  root = await makeDirectory();
  https = await startGitHttps({ directory: root.path, account });
}, minutes);
afterAll(async () => {
  await https?.stop();
  await host?.stop();
  await root?.remove();
});
beforeEach(async () => {
  place = join(root.path, String((number += 1)));
  await mkdir(place);
  bench = await makeRestoreBench();
  dumps = await makeGitBench(() => byPath(place, '/ops/ansible.git'));
}, minutes);
afterEach(async () => {
  await bench.remove();
  await dumps.remove();
  await rm(place, { recursive: true });
});

/** A backup of what is served, as a set that was fetched. */
const backedUp = async (name = 'latest'): Promise<string> => {
  const end = await dumps.dump();
  if (outcomeOf(end) !== 'Succeeded') throw new Error(end.log);
  return bench.lay(await dumps.newest(), name);
};

const usual = async (): Promise<void> => {
  await makeRepository(tree());
  await commit(tree(), { 'once.txt': 'first\n' });
  await serve(tree(), served());
  // As git's http-backend asks for it.
  await git(served(), ['config', 'http.receivepack', 'true']);
  directory = await backedUp();
};

type Kind = 'path' | 'ssh' | 'https';

const targetBy = async (kind: Kind): Promise<{ git: GitInput }> => {
  if (kind === 'path') return { git: byPath(place, '/ops/ansible.git') };
  if (kind === 'ssh') return { git: await bySsh(host, served(), dumps.files) };
  const files = dumps.files;
  return {
    git: {
      url: `https://127.0.0.1:${https.port}/${number}/ops/ansible.git`,
      access: {
        by: 'https',
        credentials: { directory: await files.secret('git-account', account), secret: 'git-account' },
        ca: { directory: await files.secret('git-ca', { 'ca.crt': https.ca }), secret: 'git-ca' },
      },
    },
  };
};

/** What a repository holds, but for what restores have set aside there. */
const contentWithout = async (repository: string): Promise<Awaited<ReturnType<typeof contentOf>>> => {
  const mirror = join(place, 'looked-at.git');
  await git(place, ['clone', '--quiet', '--mirror', '--no-local', repository, mirror]);
  const ours = await git(mirror, ['for-each-ref', '--format=delete %(refname)', 'refs/holdfast']);
  await git(mirror, ['update-ref', '--stdin'], { input: ours === '' ? '' : `${ours}\n` });
  await git(mirror, ['gc', '--quiet', '--prune=now']);
  const found = { ...(await contentOf(mirror)), head: (await readFile(join(repository, 'HEAD'), 'utf8')).trim() };
  await rm(mirror, { recursive: true });
  return found;
};

/** Refs of a repository below a prefix, the prefix taken off. */
const refsBelow = async (repository: string, prefix: string): Promise<string[]> => {
  const text = await git(repository, ['for-each-ref', '--format=%(objectname) %(refname)']);
  return text
    .split('\n')
    .filter((line) => line.split(' ')[1]?.startsWith(prefix))
    .map((line) => line.replace(` ${prefix}`, ' '));
};

const damages: { what: string; damage: () => Promise<unknown>; missing: (string | RegExp)[] }[] = [
  {
    what: 'a forced push threw history away',
    damage: async () => {
      await git(tree(), ['reset', '--quiet', '--hard', 'main~5']);
      await commit(tree(), { 'other.txt': 'else\n' });
      await publish(tree(), served());
    },
    missing: [/^[0-9a-f]{12} of refs\/heads\/main$/],
  },
  {
    what: 'a branch and a tag were deleted',
    damage: async () => {
      for (const ref of ['refs/heads/staging', 'refs/tags/v1']) await git(served(), ['update-ref', '-d', ref]);
    },
    missing: ['refs/heads/staging', 'refs/tags/v1'],
  },
  {
    what: 'there are more commits, branches and tags than there were, and a tag was moved',
    damage: async () => {
      await commit(tree(), { 'more.txt': 'more\n' });
      await git(tree(), ['branch', 'more']);
      await git(tree(), ['tag', '--force', 'v1', 'main~4']);
      await publish(tree(), served());
    },
    missing: [/^[0-9a-f]{12} of refs\/tags\/v1$/],
  },
  {
    what: 'a branch stands in the way of one that was there',
    damage: async () => {
      await git(served(), ['update-ref', '-d', 'refs/heads/staging']);
      await git(served(), ['update-ref', 'refs/heads/staging/new', 'refs/heads/main']);
    },
    missing: ['refs/heads/staging'],
  },
];

describe.each<{ kind: Kind }>([{ kind: 'path' }, { kind: 'ssh' }, { kind: 'https' }])('by $kind', ({ kind }) => {
  test.each(damages)(
    'what was lost comes back whole, and what was there is set aside: $what',
    async ({ damage, missing }) => {
      await usual();
      const expected = await contentOf(served());
      await damage();
      const before = await contentOf(served());
      const target = await targetBy(kind);
      const restore = bench.restore({ target });
      const found = await restore.engine.look(restore.context, directory);
      expect(found).toMatchObject({ present: true, missingCount: missing.length });
      for (const name of missing) expect(found.missing).toContainEqual(expect.stringMatching(name));
      expect(await contentOf(served())).toEqual(before);

      const copy = await restore.whole(directory);
      expect(await contentWithout(served())).toEqual(expected);
      expect(restore.notes).toEqual([]);
      if (kind === 'path') {
        expect(restore.states).toEqual(['Unavailable', 'Replaced']);
        expect(copy).toMatchObject({ kind: 'Directory', names: ['/ops/ansible.git.holdfast-0a1b2c3d-old'] });
        expect(await contentOf(join(place, copy.names[0] ?? ''))).toEqual(before);
      } else {
        expect(restore.states).toEqual(['Replaced']);
        expect(copy).toMatchObject({ kind: 'Refs', count: before.refs.split('\n').length });
        const aside = (await refsBelow(served(), safety)).map((line) => line.replace(' ', ' refs/'));
        expect(aside).toEqual(await linesOf(before.refs));
      }

      // No dump has what was set aside.
      const again = await backedUp('again');
      const [first, second] = await Promise.all(
        [directory, again].map((each) => readFile(join(each, 'facts.json'), 'utf8')),
      );
      expect(withoutTime(second)).toEqual(withoutTime(first));

      await restore.engine.discardSafetyCopy(restore.context);
      await restore.engine.discardSafetyCopy(restore.context);
      await restore.engine.discardLoaded(restore.context);
      expect(await contentOf(served())).toEqual(expected);
      expect(await readdir(join(place, 'ops'))).toEqual(['ansible.git']);
      expect(await readdir(bench.scratch)).toEqual([]);
      expect((await readdir(bench.fetched)).toSorted()).toEqual(['again', 'latest']);
    },
    minutes,
  );

  test(
    'refs of every kind and odd names, three times in a row, each keeping what the last set aside',
    async () => {
      await makeRepository(tree());
      await addOddities(tree());
      await serve(tree(), served());
      await git(served(), ['config', 'http.receivepack', 'true']);
      directory = await backedUp();
      const expected = await contentOf(served());
      const target = await targetBy(kind);
      for (const id of ['00000001', '00000002', '00000003']) {
        await git(served(), ['update-ref', `refs/heads/only-${id}`, 'refs/heads/main']);
        await git(served(), ['update-ref', '-d', 'refs/notes/commits']);
        const restore = bench.restore({ target, id });
        await restore.whole(directory);
        expect(await contentWithout(served())).toEqual(expected);
      }
      for (const id of ['00000001', '00000002', '00000003']) {
        const { engine, context } = bench.restore({ target, id });
        if (kind !== 'path') {
          const aside = await refsBelow(served(), `refs/holdfast/${id}/heads/`);
          expect(aside.map((line) => line.split(' ')[1])).toContain(`only-${id}`);
        }
        await engine.discardSafetyCopy(context);
      }
      expect(await contentOf(served())).toEqual(expected);
    },
    minutes,
  );

  test(
    'an empty repository gets all of it, and nothing is set aside',
    async () => {
      await usual();
      const expected = await contentOf(served());
      await rm(served(), { recursive: true });
      await git(place, ['init', '--quiet', '--bare', '--initial-branch=main', served()]);
      await git(served(), ['config', 'http.receivepack', 'true']);
      const restore = bench.restore({ target: await targetBy(kind) });
      expect(await restore.engine.look(restore.context, directory)).toMatchObject({
        objects: 0,
        rows: 0,
        missing: ['refs/heads/main', 'refs/heads/staging', 'refs/tags/v1'],
      });
      const copy = await restore.whole(directory);
      expect(copy.kind).toBe(kind === 'path' ? 'Directory' : 'None');
      expect(await contentOf(served())).toEqual(expected);
    },
    minutes,
  );

  test(
    'what is in place otherwise than it was is seen',
    async () => {
      await usual();
      const { engine, context, swap } = bench.restore({ target: await targetBy(kind) });
      await engine.load(context, directory);
      await swap(directory);
      await git(served(), ['update-ref', 'refs/heads/new', 'refs/heads/main']);
      await git(served(), ['update-ref', 'refs/heads/main', 'refs/heads/main~1']);
      expect((await engine.check(context, directory)).mismatches).toEqual([
        expect.stringMatching(/^ref refs\/heads\/main: /),
        'ref refs/heads/new: unexpected',
      ]);
    },
    minutes,
  );
});

const linesOf = async (refs: string): Promise<string[]> =>
  refs
    .split('\n')
    .map((line) => {
      const [name = '', object = ''] = line.split(' ');
      return `${object} ${name}`;
    })
    .toSorted((a, b) => (a.slice(41) < b.slice(41) ? -1 : 1));

const withoutTime = (facts = '{}'): unknown => ({ ...(JSON.parse(facts) as object), dataTime: undefined });

describe('a server that does not allow it', () => {
  test.each<{ what: string; config: [string, string]; damage: () => Promise<unknown>; words: RegExp }>([
    {
      what: 'deletes are denied',
      config: ['receive.denyDeletes', 'true'],
      damage: () => git(served(), ['update-ref', 'refs/heads/more', 'refs/heads/main']),
      words: /refs\/heads\/more .*deletion prohibited/,
    },
    {
      what: 'forced pushes are denied',
      config: ['receive.denyNonFastForwards', 'true'],
      damage: () => git(served(), ['update-ref', 'refs/heads/staging', 'refs/tags/v1^{}']),
      words: /./,
    },
    {
      what: 'some refs are hidden',
      config: ['receive.hideRefs', 'refs/tags'],
      damage: () => git(served(), ['update-ref', '-d', 'refs/tags/v1']),
      words: /refs\/tags\/v1 .*hidden ref/,
    },
  ])(
    '$what',
    async ({ what, config, damage, words }) => {
      await usual();
      await damage();
      if (what === 'forced pushes are denied') {
        await git(tree(), ['checkout', '--quiet', 'staging']);
        await git(tree(), ['commit', '--quiet', '--amend', '--allow-empty', '--message', 'Forced']);
        await publish(tree(), served());
      }
      await git(served(), ['config', ...config]);
      const before = await contentOf(served());
      const restore = bench.restore({ target: await targetBy('ssh') });
      await restore.engine.load(restore.context, directory);
      const failure = await failureOf(restore.swap(directory));
      expect(failure).toMatch(/^ExchangeFailed: The server did not take the push, which changed nothing: /);
      expect(failure).toMatch(words);
      expect(restore.states).toEqual([]);
      expect(await contentOf(served())).toEqual(before);
    },
    minutes,
  );

  test(
    'a hook that refuses, with its words',
    async () => {
      await usual();
      await git(served(), ['update-ref', '-d', 'refs/tags/v1']);
      await mkdir(join(served(), 'hooks'), { recursive: true });
      await writeFile(join(served(), 'hooks/pre-receive'), '#!/bin/sh\necho "main is protected" >&2\nexit 1\n', {
        mode: 0o755,
      });
      const before = await contentOf(served());
      const restore = bench.restore({ target: await targetBy('https') });
      await restore.engine.load(restore.context, directory);
      expect(await failureOf(restore.swap(directory))).toMatch(/pre-receive hook declined.*main is protected/);
      expect(await contentOf(served())).toEqual(before);
    },
    minutes,
  );

  test(
    'an account that may only read is told at the first look',
    async () => {
      await usual();
      await git(served(), ['config', 'http.receivepack', 'false']);
      const { engine, context } = bench.restore({ target: await targetBy('https') });
      expect(await failureOf(engine.look(context, directory))).toMatch(/^(AccessDenied|PrivilegeMissing): /);
    },
    minutes,
  );

  test(
    'no repository at all',
    async () => {
      await usual();
      await rm(served(), { recursive: true });
      const { engine, context } = bench.restore({ target: await targetBy('ssh') });
      expect(await failureOf(engine.look(context, directory))).toMatch(/^DestinationUnsupported: .*make an empty one/);
    },
    minutes,
  );

  test(
    'somebody who pushes meanwhile loses nothing: it is looked at again',
    async () => {
      await usual();
      await commit(tree(), { 'late.txt': 'late\n' });
      await git(served(), ['fetch', '--quiet', tree(), '+refs/heads/main:refs/late/main']);
      const late = await git(tree(), ['rev-parse', 'HEAD']);
      await git(served(), ['update-ref', 'refs/heads/main', 'refs/heads/main~3']);
      await mkdir(join(served(), 'hooks'), { recursive: true });
      // Before the server locks the refs, once.
      const hook = `#!/bin/sh\n[ -e ${place}/once ] && exit 0\ntouch ${place}/once\nunset GIT_QUARANTINE_PATH\ngit update-ref refs/heads/main ${late}\n`;
      await writeFile(join(served(), 'hooks/pre-receive'), hook, { mode: 0o755 });
      const restore = bench.restore({ target: await targetBy('ssh') });
      await restore.whole(directory);
      expect(await refsBelow(served(), `${safety}heads/`)).toContain(`${late} main`);
    },
    minutes,
  );

  test(
    'HEAD stands for another branch than it did: told, since no push can change it',
    async () => {
      await usual();
      await git(served(), ['symbolic-ref', 'HEAD', 'refs/heads/staging']);
      const restore = bench.restore({ target: await targetBy('ssh') });
      await restore.whole(directory);
      expect(restore.notes).toEqual([
        {
          reason: 'NotCovered',
          message: expect.stringMatching(/^HEAD .* stands for refs\/heads\/staging, and stood for refs\/heads\/main /),
        },
      ]);
    },
    minutes,
  );
});

describe('a repository on a claim', () => {
  test(
    'keeps what is not content: hooks, configuration, description, rights, and what a server put there',
    async () => {
      await usual();
      await mkdir(join(served(), 'hooks'), { recursive: true });
      await writeFile(join(served(), 'hooks/post-receive'), '#!/bin/sh\n', { mode: 0o755 });
      await writeFile(join(served(), 'description'), 'Playbooks\n');
      await writeFile(join(served(), 'git-daemon-export-ok'), '');
      await mkdir(join(served(), 'lfs/objects'), { recursive: true });
      await writeFile(join(served(), 'lfs/objects/one'), 'large');
      await mkdir(join(served(), 'info'), { recursive: true });
      await writeFile(join(served(), 'info/exclude'), '*.swp\n');
      await writeFile(join(served(), 'info/refs'), 'stale\n');
      await git(served(), ['config', 'receive.denyDeletes', 'true']);
      const config = await readFile(join(served(), 'config'), 'utf8');
      await chmod(served(), 0o2775);
      await chmod(join(served(), 'HEAD'), 0o664);
      await git(served(), ['update-ref', 'refs/heads/main', 'refs/heads/main~3']);
      const restore = bench.restore({ target: await targetBy('path') });
      await restore.whole(directory);
      expect(await readFile(join(served(), 'config'), 'utf8')).toBe(config);
      expect(await readFile(join(served(), 'description'), 'utf8')).toBe('Playbooks\n');
      expect(await readFile(join(served(), 'lfs/objects/one'), 'utf8')).toBe('large');
      expect(await readFile(join(served(), 'info/exclude'), 'utf8')).toBe('*.swp\n');
      expect(await readdir(join(served(), 'info'))).not.toContain('refs');
      expect(await readdir(served())).toContain('git-daemon-export-ok');
      const modes = async (name: string) => ((await stat(join(served(), name))).mode & 0o7777).toString(8);
      expect(await modes('.')).toBe('2775');
      expect(await modes('objects')).toBe('2775');
      expect(await modes('packed-refs')).toBe('664');
      expect(await modes('hooks/post-receive')).toBe('775');
      const [pack = ''] = (await readdir(join(served(), 'objects/pack'))).filter((name) => name.endsWith('.pack'));
      expect(await modes(join('objects/pack', pack))).toBe('444');
    },
    minutes,
  );

  test(
    'whose content is deleted, or that is not there, comes back',
    async () => {
      await usual();
      const expected = await contentOf(served());
      for (const name of ['objects', 'refs', 'packed-refs'])
        await rm(join(served(), name), { recursive: true, force: true });
      const first = bench.restore({ target: await targetBy('path') });
      expect(await first.engine.look(first.context, directory)).toMatchObject({ objects: 0, missingCount: 3 });
      await first.whole(directory);
      expect(await contentOf(served())).toEqual(expected);

      await rm(join(place, 'ops'), { recursive: true });
      const second = bench.restore({ target: await targetBy('path'), id: 'ffff0000' });
      expect(await second.engine.look(second.context, directory)).toMatchObject({ present: false, missingCount: 3 });
      expect(await second.whole(directory)).toEqual({ kind: 'None', names: [], count: 0 });
      expect(await contentOf(served())).toEqual(expected);
    },
    minutes,
  );

  test(
    'that is damaged is told so, and exchanged',
    async () => {
      await usual();
      const expected = await contentOf(served());
      const pack = join(served(), 'objects/pack');
      for (const name of await readdir(pack)) {
        if (!name.endsWith('.pack')) continue;
        await chmod(join(pack, name), 0o644);
        const bytes = await readFile(join(pack, name));
        bytes.fill(0, 200, 400);
        await writeFile(join(pack, name), bytes);
      }
      const { engine, context, whole } = bench.restore({ target: await targetBy('path') });
      expect((await engine.look(context, directory)).missing[0]).toMatch(/^what is damaged \(/);
      await whole(directory);
      expect(await contentOf(served())).toEqual(expected);
    },
    minutes,
  );

  test(
    'with a configuration that is broken gets a new one, and that is told',
    async () => {
      await usual();
      const expected = await contentOf(served());
      await writeFile(join(served(), 'config'), '[core\nbroken');
      const restore = bench.restore({ target: await targetBy('path') });
      await restore.engine.load(restore.context, directory);
      await restore.swap(directory);
      equal(await restore.engine.check(restore.context, directory));
      expect(restore.notes).toMatchObject([{ reason: 'NotCovered', message: expect.stringMatching(/configuration/) }]);
      expect(await contentOf(served())).toEqual(expected);
    },
    minutes,
  );

  test.each([
    {
      what: 'a working tree',
      make: async () => {
        await rm(served(), { recursive: true });
        await git(place, ['clone', '--quiet', tree(), served()]);
      },
      words: /^DestinationUnsupported: .*working tree/,
    },
    {
      what: 'a link',
      make: async () => {
        await rm(served(), { recursive: true });
        await symlink(tree(), served());
      },
      words: /^DestinationUnsupported: .*no directory/,
    },
  ])(
    '$what is refused before anything is loaded',
    async ({ make, words }) => {
      await usual();
      await make();
      const { engine, context } = bench.restore({ target: await targetBy('path') });
      expect(await failureOf(engine.look(context, directory))).toMatch(words);
      expect(await failureOf(engine.load(context, directory))).toMatch(words);
      expect(await readdir(bench.fetched)).toEqual(['latest']);
    },
    minutes,
  );

  test.each([{ into: { by: 'Name', name: 'other' } as const }, { into: { by: 'SameNames' } as const }])(
    'into $into.by is not supported',
    async ({ into }) => {
      await usual();
      const { engine, context } = bench.restore({ target: await targetBy('path'), into });
      expect(await failureOf((async () => engine.look(context, directory))())).toMatch(/^DestinationUnsupported: /);
      expect(await failureOf(engine.load(context, directory))).toMatch(/^DestinationUnsupported: /);
    },
  );
});

describe('a restore that is killed', () => {
  const moments = [
    ...[250, 450, 650, 900].map((ms) => ({ after: 'Start' as const, ms })),
    ...[0, 5, 20].map((ms) => ({ after: 'Told' as const, ms })),
  ];
  test.each((['path', 'ssh'] as const).flatMap((kind) => moments.map((moment) => ({ kind, ...moment }))))(
    'by $kind, $ms ms after it $after: there is the old or the new, and the next one succeeds',
    async ({ kind, ...moment }) => {
      await usual();
      const expected = await contentOf(served());
      await damages[0]?.damage();
      const old = await contentOf(served());
      const target = await targetBy(kind);
      const first = bench.restore({ target });
      await first.engine.load(first.context, directory);
      const swap = startSwap(bench, { target }, directory);
      await killSwap(swap, moment);
      const { output } = await swap.end;
      expect(output).toMatch(/^begins/);
      // The server of a push that was cut goes on for a moment.
      await new Promise((resolve) => setTimeout(resolve, 500));
      const next = bench.restore({ target, id: 'ffff0000' });
      await next.engine.recover(next.context);
      const now = await contentWithout(served());
      expect([old, expected]).toContainEqual(now);
      if (output.includes('told Replaced')) expect(now).toEqual(expected);
      await next.whole(directory);
      expect(await contentWithout(served())).toEqual(expected);
      for (const { engine, context } of [first, next]) {
        await engine.discardLoaded(context);
        await engine.discardSafetyCopy(context);
      }
      expect(await contentOf(served())).toEqual(expected);
      expect(await readdir(join(place, 'ops'))).toEqual(['ansible.git']);
    },
    minutes,
  );

  test(
    'between the two renames: what was there is renamed back, and is no safety copy to be thrown away before',
    async () => {
      await usual();
      const before = await contentOf(served());
      const target = await targetBy('path');
      const first = bench.restore({ target });
      await git(place, ['clone', '--quiet', '--mirror', served(), `${served()}.holdfast-0a1b2c3d-new`]);
      await git(place, ['clone', '--quiet', '--mirror', served(), `${served()}.holdfast-00000009-old`]);
      const { rename } = await import('node:fs/promises');
      await rename(served(), `${served()}.holdfast-0a1b2c3d-old`);
      expect(await failureOf(first.engine.discardSafetyCopy(first.context))).toMatch(/^RestoreInterrupted: /);
      const next = bench.restore({ target, id: 'ffff0000' });
      expect(await next.engine.recover(next.context)).toMatch(/^The restore 0a1b2c3d was stopped .* put back\.$/);
      expect(await contentOf(served())).toEqual(before);
      expect((await readdir(join(place, 'ops'))).toSorted()).toEqual([
        'ansible.git',
        'ansible.git.holdfast-00000009-old',
      ]);
      expect(await next.engine.recover(next.context)).toBeUndefined();
    },
    minutes,
  );
});

test('what a restore has set aside at a server is in no dump, by any access', async () => {
  await usual();
  const facts = withoutTime(await readFile(join(directory, 'facts.json'), 'utf8'));
  await commit(tree(), { 'aside.txt': 'only there\n' });
  await git(served(), ['fetch', '--quiet', tree(), '+refs/heads/main:refs/holdfast/0a1b2c3d/heads/main']);
  await git(served(), ['symbolic-ref', 'refs/holdfast/0a1b2c3d/heads/alias', 'refs/heads/main']);
  const again = await backedUp('again');
  expect(withoutTime(await readFile(join(again, 'facts.json'), 'utf8'))).toEqual(facts);
  const [first, second] = await Promise.all(
    [directory, again].map((each) => readFile(join(each, 'repository.bundle'))),
  );
  expect(second?.equals(first ?? Buffer.alloc(0))).toBe(true);
  expect((await dumps.ledger()).copies.at(-1)?.notCovered).toBeUndefined();
}, 60_000);
