import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { RestoreContext } from '../../src/agent/restore/engine.ts';
import { commit, contentOf, git } from './support/git-repository.ts';
import { contentWithout, gitRestoresForEach, refsBelow } from './support/git-restores.ts';
import { equal, failureOf } from './support/engine-restore-bench.ts';
import { makePrograms } from './support/programs.ts';

// What a server lacks of a backup is sent to it while everything runs, and named there beside its own refs. On a claim the whole repository is
// laid beside.

const minutes = 120_000;
const id = '0a1b2c3d';
const beside = `refs/holdfast/${id}-new/`;

const on = gitRestoresForEach();

/** Takes refs from the server, and all that they alone led to. */
const loseHistory = async (): Promise<void> => {
  await git(on.served, ['update-ref', 'refs/heads/main', 'refs/heads/main~5']);
  for (const ref of ['refs/heads/staging', 'refs/tags/v1']) await git(on.served, ['update-ref', '-d', ref]);
  await git(on.served, ['-c', 'gc.reflogExpire=now', 'gc', '--quiet', '--prune=now']);
};

/** Has the server run a script before it takes a push. */
const onPush = async (script: string): Promise<void> => {
  await mkdir(join(on.served, 'hooks'), { recursive: true });
  await writeFile(join(on.served, 'hooks/pre-receive'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
};

const objectsIn = async (repository: string): Promise<string[]> =>
  (await git(repository, ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)'])).split('\n');

/** A backup, and what was served then; after that history was lost. */
const lost = async () => {
  const directory = await on.usual();
  const expected = await contentOf(on.served);
  await loseHistory();
  return { directory, expected };
};

/** The same restore as a Job sees it that has nothing but the destination. */
const withoutFetched = (context: RestoreContext): RestoreContext => {
  const { kind, policy, subject, request, claim, scratch, deadlineSeconds, target, into } = context.task;
  const common = { kind, policy, subject, request, claim, scratch, deadlineSeconds };
  const task = { ...common, target, into, id, what: 'Loaded' as const };
  return { ...context, task };
};

test.each([{ kind: 'ssh' as const }, { kind: 'https' as const }])(
  'by $kind: it is all there before a ref is touched; the exchange sends no object, and takes the names along',
  async ({ kind }) => {
    const directory = await on.usual();
    const [expected, objects] = [await contentOf(on.served), await objectsIn(on.served)];
    await loseHistory();
    const before = await contentOf(on.served);
    const restore = on.bench.restore({ target: await on.targetBy(kind) });
    await restore.engine.load(restore.context, directory);
    expect(await contentWithout(on)).toEqual(before);
    const sent = await refsBelow(on.served, beside);
    expect(sent.length).toBeGreaterThan(0);
    for (const line of sent) expect(line).toMatch(/^([0-9a-f]{40}) \1$/);
    expect(await objectsIn(on.served)).toEqual(objects);

    await onPush(`find "$GIT_QUARANTINE_PATH" -type f > ${on.place}/received`);
    equal(await restore.engine.compare(restore.context, directory));
    await restore.swap(directory);
    expect(await readFile(join(on.place, 'received'), 'utf8')).toBe('');
    equal(await restore.engine.check(restore.context, directory));
    expect(restore.states).toEqual(['Replaced']);
    expect(restore.notes).toEqual([]);
    expect(await refsBelow(on.served, beside)).toEqual([]);
    expect(await contentWithout(on)).toEqual(expected);
  },
  minutes,
);

test(
  'a server that lacks nothing is sent nothing',
  async () => {
    const directory = await on.usual();
    await git(on.served, ['update-ref', 'refs/heads/later', 'refs/heads/main']);
    await git(on.served, ['update-ref', '-d', 'refs/heads/staging']);
    await onPush(`touch ${on.place}/pushed`);
    const before = await contentOf(on.served);
    const { engine, context } = on.bench.restore({ target: await on.targetBy('ssh') });
    await engine.load(context, directory);
    expect(await contentOf(on.served)).toEqual(before);
    expect(await readdir(on.place)).not.toContain('pushed');
  },
  minutes,
);

/** What there is beside the repository and its refs. */
const lyingBeside = async (): Promise<string[]> => [
  ...(await refsBelow(on.served, beside)),
  ...(await readdir(join(on.place, 'ops'))).filter((name) => name !== 'ansible.git'),
];

test.each(
  (['ssh', 'path'] as const).flatMap((kind) => [
    { kind, by: 'the pod that made it', as: (context: RestoreContext) => context },
    { kind, by: 'another', as: withoutFetched },
  ]),
)(
  'by $kind: a restore that ends before its exchange takes it back: $by',
  async ({ kind, as }) => {
    const directory = await on.usual();
    await loseHistory();
    const before = await contentOf(on.served);
    const { engine, context } = on.bench.restore({ target: await on.targetBy(kind) });
    // Of one that was killed: the second try has nothing more to send.
    for (let times = 2; times > 0; times -= 1) {
      await engine.recover(context);
      await engine.load(context, directory);
    }
    expect(await lyingBeside()).not.toEqual([]);
    await engine.discardLoaded(as(context));
    await engine.discardLoaded(as(context));
    expect(await lyingBeside()).toEqual([]);
    expect(await contentOf(on.served)).toEqual(before);
  },
  minutes,
);

test(
  'what a restore that was killed has sent is in no dump, and hinders no other',
  async () => {
    const { directory, expected } = await lost();
    const target = await on.targetBy('ssh');
    const first = on.bench.restore({ target });
    await first.engine.load(first.context, directory);
    const next = on.bench.restore({ target, id: 'ffff0000' });
    await next.whole(directory);
    expect(await refsBelow(on.served, beside)).not.toEqual([]);
    expect(await contentWithout(on)).toEqual(expected);
    const facts = await readFile(join(await on.backedUp('again'), 'facts.json'), 'utf8');
    expect(JSON.parse(facts)).toMatchObject({ refs: { length: expected.refs.split('\n').length } });
    await next.engine.discardSafetyCopy(next.context);
    await first.engine.discardLoaded(withoutFetched(first.context));
    expect(await contentOf(on.served)).toEqual(expected);
  },
  minutes,
);

describe('a server that', () => {
  test.each<{ what: string; arrange: () => Promise<unknown> }>([
    {
      what: 'takes nothing beside',
      arrange: () => onPush('while read old new name; do case $name in *-new/*) exit 1 ;; esac; done'),
    },
    {
      what: 'does not show what it took',
      arrange: () => git(on.served, ['config', 'uploadpack.hideRefs', `refs/holdfast/${id}-new`]),
    },
  ])(
    '$what is restored all the same, and keeps none of it',
    async ({ arrange }) => {
      const { directory, expected } = await lost();
      const before = await contentOf(on.served);
      await arrange();
      const restore = on.bench.restore({ target: await on.targetBy('ssh') });
      await restore.engine.load(restore.context, directory);
      expect(await contentOf(on.served)).toEqual(before);
      await restore.whole(directory);
      expect(restore.notes).toEqual([]);
      expect(await contentWithout(on)).toEqual(expected);
      expect(await refsBelow(on.served, beside)).toEqual([]);
    },
    minutes,
  );

  test(
    'lets nobody delete is restored all the same; what is left is told, and goes with the safety copy',
    async () => {
      const { directory, expected } = await lost();
      await onPush('while read old new name; do case $new in *[!0]*) ;; *) exit 1 ;; esac; done');
      const restore = on.bench.restore({ target: await on.targetBy('ssh') });
      await restore.whole(directory);
      expect(await contentWithout(on)).toEqual(expected);
      expect(restore.notes).toEqual([
        { reason: 'LeftBehind', message: expect.stringContaining(`refs below ${beside} not be deleted`) },
      ]);
      expect(await refsBelow(on.served, beside)).not.toEqual([]);
      await onPush('exit 0');
      await restore.engine.discardSafetyCopy(restore.context);
      expect(await contentOf(on.served)).toEqual(expected);
    },
    minutes,
  );
});

test(
  'what is pushed between load and exchange is set aside too',
  async () => {
    const { directory, expected } = await lost();
    const restore = on.bench.restore({ target: await on.targetBy('ssh') });
    await restore.engine.load(restore.context, directory);
    await commit(on.tree, { 'late.txt': 'late\n' });
    const late = await git(on.tree, ['rev-parse', 'HEAD']);
    await git(on.served, ['fetch', '--quiet', on.tree, '+refs/heads/main:refs/heads/main']);
    await restore.swap(directory);
    equal(await restore.engine.check(restore.context, directory));
    expect(await contentWithout(on)).toEqual(expected);
    expect(await refsBelow(on.served, `refs/holdfast/${id}/heads/`)).toContain(`${late} main`);
  },
  minutes,
);

test(
  'what the exchange has of before is looked for at the server where this machine has lost it',
  async () => {
    const { directory, expected } = await lost();
    const restore = on.bench.restore({ target: await on.targetBy('ssh') });
    await restore.engine.load(restore.context, directory);
    await rm(join(on.bench.fetched, 'git-beside'), { recursive: true });
    await restore.swap(directory);
    equal(await restore.engine.check(restore.context, directory));
    expect(await contentWithout(on)).toEqual(expected);
    expect(await refsBelow(on.served, beside)).toEqual([]);
  },
  minutes,
);

/** Has the server keep each object in a file of its own; gives the file of one that main leads to. */
const looseBlob = async (): Promise<string> => {
  const packs = join(on.served, 'objects/pack');
  for (const name of (await readdir(packs)).filter((each) => each.endsWith('.pack'))) {
    const pack = await readFile(join(packs, name));
    await rm(join(packs, name));
    await rm(join(packs, name.replace(/pack$/, 'idx')));
    const { path, remove } = await makePrograms({});
    await writeFile(join(path, name), pack);
    await git(on.served, ['unpack-objects', '-q'], { inputFile: join(path, name) });
    await remove();
  }
  const blob = await git(on.served, ['rev-parse', 'refs/heads/main:once.txt']);
  return join(on.served, 'objects', blob.slice(0, 2), blob.slice(2));
};

test.each<{ what: string; damage: (file: string) => Promise<void> }>([
  { what: 'is gone', damage: (file) => rm(file) },
  {
    what: 'holds the bytes of another',
    damage: async (file) => {
      const other = await git(on.served, ['rev-parse', 'refs/heads/main:roles/role-0/tasks/main.yml']);
      await chmod(file, 0o644);
      await writeFile(file, await readFile(join(on.served, 'objects', other.slice(0, 2), other.slice(2))));
    },
  },
])(
  'after the exchange every object is read from the server: one that $what is noticed, though every ref is as it was',
  async ({ damage }) => {
    const directory = await on.usual();
    await loseHistory();
    const restore = on.bench.restore({ target: await on.targetBy('ssh') });
    await restore.engine.load(restore.context, directory);
    await restore.swap(directory);
    const refs = await refsBelow(on.served, 'refs/');
    await damage(await looseBlob());
    expect(await refsBelow(on.served, 'refs/')).toEqual(refs);
    const compared = failureOf(restore.engine.check(restore.context, directory).then(equal));
    expect(await compared.catch(String)).toMatch(/^SourceDamaged: |not equal/);
  },
  minutes,
);

test.each([{ kind: 'path' as const }, { kind: 'ssh' as const }])(
  'by $kind: what was loaded is read whole, and not taken for what git says that it wrote',
  async ({ kind }) => {
    const directory = await on.usual();
    const before = await contentOf(on.served);
    const real = (await git(on.place, ['--exec-path'])).replace(/\/libexec.*|\/lib\/git-core.*/, '/bin/git');
    const programs = await makePrograms({
      git: `${real} "$@" || exit $?
case " $* " in *" clone "*) for pack in "\${@: -1}"/objects/pack/*.pack; do chmod u+w "$pack"; printf XXXX | dd of="$pack" bs=1 seek=400 conv=notrunc 2>/dev/null; done ;; esac`,
    });
    const { PATH = '' } = process.env;
    process.env['PATH'] = `${programs.path}:${PATH}`;
    try {
      const { engine, context } = on.bench.restore({ target: await on.targetBy(kind) });
      expect(await failureOf(engine.load(context, directory))).toMatch(
        /^BackupNotLoadable: What was loaded is damaged/,
      );
    } finally {
      process.env['PATH'] = PATH;
      await programs.remove();
    }
    expect(await contentOf(on.served)).toEqual(before);
  },
  minutes,
);

describe('on a claim', () => {
  const laid = () => `${on.served}.holdfast-${id}-new`;

  /** The only pack of a repository, and where its bytes lie on the disk. */
  const packOf = async (repository: string): Promise<{ file: string; ino: number }> => {
    const packs = join(repository, 'objects/pack');
    const [name = ''] = (await readdir(packs)).filter((each) => each.endsWith('.pack'));
    return { file: join(packs, name), ino: (await stat(join(packs, name))).ino };
  };

  const flip = async (file: string): Promise<void> => {
    const times = join(on.place, 'times');
    await execa('touch', ['--reference', file, times]);
    const bytes = await readFile(file);
    bytes.fill(0, 400, 410);
    await chmod(file, 0o644);
    await writeFile(file, bytes);
    await chmod(file, 0o444);
    await execa('touch', ['--reference', times, file]);
  };

  test(
    'all files are there before anything is exchanged, and are those that come into place',
    async () => {
      const { directory, expected } = await lost();
      const before = await contentOf(on.served);
      const restore = on.bench.restore({ target: await on.targetBy('path') });
      await restore.engine.load(restore.context, directory);
      equal(await restore.engine.compare(restore.context, directory));
      expect(await contentOf(on.served)).toEqual(before);
      const { ino } = await packOf(laid());
      await restore.swap(directory);
      equal(await restore.engine.check(restore.context, directory));
      expect((await packOf(on.served)).ino).toBe(ino);
      expect(await contentOf(on.served)).toEqual(expected);
    },
    minutes,
  );

  test.each<{ what: string; touch: () => Promise<unknown> }>([
    {
      what: 'were changed, with the size and the times they had',
      touch: async () => flip((await packOf(laid())).file),
    },
    { what: 'are gone', touch: () => rm(laid(), { recursive: true }) },
    { what: 'are more', touch: () => writeFile(join(laid(), 'refs/heads/more'), 'more\n') },
  ])(
    'files that $what since are not taken',
    async ({ touch }) => {
      const { directory, expected } = await lost();
      const restore = on.bench.restore({ target: await on.targetBy('path') });
      await restore.engine.load(restore.context, directory);
      await touch();
      await restore.swap(directory);
      equal(await restore.engine.check(restore.context, directory));
      expect(await contentOf(on.served)).toEqual(expected);
      expect(await lyingBeside()).toEqual([`ansible.git.holdfast-${id}-old`]);
    },
    minutes,
  );

  test(
    'an exchange that was stopped when it had begun with them is made anew from what was loaded',
    async () => {
      const directory = await on.usual();
      const expected = await contentOf(on.served);
      await writeFile(join(on.served, 'description'), 'Of then\n');
      const { engine, context } = on.bench.restore({ target: await on.targetBy('path') });
      await engine.load(context, directory);
      const told = engine.swap(context, directory, () => {
        throw new Error('told to stop');
      });
      await expect(told).rejects.toThrow('told to stop');
      await rm(join(on.served, 'description'));
      await engine.swap(context, directory, () => undefined);
      equal(await engine.check(context, directory));
      expect(await contentOf(on.served)).toEqual(expected);
      expect(await readdir(on.served)).not.toContain('description');
    },
    minutes,
  );
});
