import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commit, contentOf, git, publish } from './support/git-repository.ts';
import { refsBelow, gitRestoresForEach } from './support/git-restores.ts';
import { failureOf } from './support/engine-restore-bench.ts';

const minutes = 120_000;

const on = gitRestoresForEach();

test.each<{ what: string; config: [string, string]; damage: () => Promise<unknown>; words: RegExp; states?: string[] }>(
  [
    {
      what: 'deletes are denied',
      config: ['receive.denyDeletes', 'true'],
      damage: () => git(on.served, ['update-ref', 'refs/heads/more', 'refs/heads/main']),
      words: /refs\/heads\/more .*deletion prohibited/,
    },
    {
      what: 'forced pushes are denied',
      config: ['receive.denyNonFastForwards', 'true'],
      damage: () => git(on.served, ['update-ref', 'refs/heads/staging', 'refs/tags/v1^{}']),
      words: /./,
    },
    {
      what: 'some refs are hidden',
      config: ['receive.hideRefs', 'refs/tags'],
      damage: () => git(on.served, ['update-ref', '-d', 'refs/tags/v1']),
      words: /refs\/tags\/v1 .*hidden ref/,
      // It says that it takes all or nothing, and took the rest: that is taken back.
      states: ['Unavailable', 'PutBack'],
    },
  ],
)(
  '$what',
  async ({ what, config, damage, words, states = [] }) => {
    const directory = await on.usual();
    await damage();
    if (what === 'forced pushes are denied') {
      await git(on.tree, ['checkout', '--quiet', 'staging']);
      await git(on.tree, ['commit', '--quiet', '--amend', '--allow-empty', '--message', 'Forced']);
      await publish(on.tree, on.served);
    }
    await git(on.served, ['config', ...config]);
    const before = await contentOf(on.served);
    const restore = on.bench.restore({ target: await on.targetBy('ssh') });
    await restore.engine.load(restore.context, directory);
    const failure = await failureOf(restore.swap(directory));
    expect(failure).toMatch(/^ExchangeFailed: The server did not take the push, and has all as before: /);
    expect(failure).toMatch(words);
    expect(restore.states).toEqual(states);
    // What was sent beside has names of its own until then.
    await restore.engine.discardLoaded(restore.context);
    expect(await contentOf(on.served)).toEqual(before);
  },
  minutes,
);

test(
  'a hook that refuses, with its words',
  async () => {
    const directory = await on.usual();
    await git(on.served, ['update-ref', '-d', 'refs/tags/v1']);
    await mkdir(join(on.served, 'hooks'), { recursive: true });
    await writeFile(join(on.served, 'hooks/pre-receive'), '#!/bin/sh\necho "main is protected" >&2\nexit 1\n', {
      mode: 0o755,
    });
    const before = await contentOf(on.served);
    const restore = on.bench.restore({ target: await on.targetBy('https') });
    await restore.engine.load(restore.context, directory);
    expect(await failureOf(restore.swap(directory))).toMatch(/pre-receive hook declined.*main is protected/);
    expect(await contentOf(on.served)).toEqual(before);
  },
  minutes,
);

test(
  'an account that may only read is told at the first look',
  async () => {
    const directory = await on.usual();
    await git(on.served, ['config', 'http.receivepack', 'false']);
    const { engine, context } = on.bench.restore({ target: await on.targetBy('https') });
    expect(await failureOf(engine.look(context, directory))).toMatch(/^(AccessDenied|PrivilegeMissing): /);
  },
  minutes,
);

test(
  'no repository at all',
  async () => {
    const directory = await on.usual();
    await rm(on.served, { recursive: true });
    const { engine, context } = on.bench.restore({ target: await on.targetBy('ssh') });
    expect(await failureOf(engine.look(context, directory))).toMatch(/^DestinationUnsupported: .*make an empty one/);
  },
  minutes,
);

test(
  'somebody who pushes meanwhile loses nothing: it is looked at again',
  async () => {
    const directory = await on.usual();
    await commit(on.tree, { 'late.txt': 'late\n' });
    await git(on.served, ['fetch', '--quiet', on.tree, '+refs/heads/main:refs/late/main']);
    const late = await git(on.tree, ['rev-parse', 'HEAD']);
    await git(on.served, ['update-ref', 'refs/heads/main', 'refs/heads/main~3']);
    await mkdir(join(on.served, 'hooks'), { recursive: true });
    // Before the server locks the refs, once.
    const hook = `#!/bin/sh\n[ -e ${on.place}/once ] && exit 0\ntouch ${on.place}/once\nunset GIT_QUARANTINE_PATH\ngit update-ref refs/heads/main ${late}\n`;
    await writeFile(join(on.served, 'hooks/pre-receive'), hook, { mode: 0o755 });
    const restore = on.bench.restore({ target: await on.targetBy('ssh') });
    await restore.whole(directory);
    expect(await refsBelow(on.served, 'refs/holdfast/0a1b2c3d/heads/')).toContain(`${late} main`);
  },
  minutes,
);

test(
  'HEAD stands for another branch than it did: told, since no push can change it',
  async () => {
    const directory = await on.usual();
    await git(on.served, ['symbolic-ref', 'HEAD', 'refs/heads/staging']);
    const restore = on.bench.restore({ target: await on.targetBy('ssh') });
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

test.each<{ what: string; damage: () => Promise<unknown>; words: RegExp }>([
  {
    what: 'a branch stands in the way of one that was there',
    damage: async () => {
      await git(on.served, ['update-ref', '-d', 'refs/heads/staging']);
      await git(on.served, ['update-ref', 'refs/heads/staging/new', 'refs/heads/main']);
    },
    words: /refs\/heads\/staging\/new stands in the way of refs\/heads\/staging, /,
  },
  {
    what: 'a ref of two parts is there that was not',
    damage: () => git(on.served, ['update-ref', 'refs/stash', 'refs/heads/main']),
    words: /refs\/stash is not as in the backup.*git update-ref -d refs\/stash/,
  },
])(
  'what no push can do is told before anything is stopped: $what',
  async ({ damage, words }) => {
    const directory = await on.usual();
    await damage();
    const before = await contentOf(on.served);
    const { engine, context, swap, states } = on.bench.restore({ target: await on.targetBy('ssh') });
    expect(await failureOf(engine.load(context, directory))).toMatch(/^DestinationUnsupported: /);
    expect(await failureOf(swap(directory))).toMatch(words);
    expect(states).toEqual([]);
    expect(await contentOf(on.served)).toEqual(before);
  },
  minutes,
);
