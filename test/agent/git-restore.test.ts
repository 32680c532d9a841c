import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { addOddities, commit, contentOf, git, makeRepository, publish } from './support/git-repository.ts';
import {
  contentWithout,
  factsIn,
  forcePush,
  refsBelow,
  gitRestoresForEach,
  type Access,
} from './support/git-restores.ts';

const minutes = 120_000;

const on = gitRestoresForEach();

const damages: { what: string; damage: () => Promise<unknown>; missing: (string | RegExp)[] }[] = [
  {
    what: 'a forced push threw history away',
    damage: () => forcePush(on),
    missing: [/^[0-9a-f]{12} of refs\/heads\/main$/],
  },
  {
    what: 'a branch and a tag were deleted',
    damage: async () => {
      for (const ref of ['refs/heads/staging', 'refs/tags/v1']) await git(on.served, ['update-ref', '-d', ref]);
    },
    missing: ['refs/heads/staging', 'refs/tags/v1'],
  },
  {
    what: 'there are more commits, branches and tags than there were, and a tag was moved',
    damage: async () => {
      await commit(on.tree, { 'more.txt': 'more\n' });
      await git(on.tree, ['branch', 'more']);
      await git(on.tree, ['tag', '--force', 'v1', 'main~4']);
      await publish(on.tree, on.served);
    },
    missing: [/^[0-9a-f]{12} of refs\/tags\/v1$/],
  },
];

describe.each<{ kind: Access }>([{ kind: 'path' }, { kind: 'ssh' }, { kind: 'https' }])('by $kind', ({ kind }) => {
  test.each(damages)(
    'what was lost comes back whole, and what was there is set aside: $what',
    async ({ damage, missing }) => {
      const directory = await on.usual();
      const expected = await contentOf(on.served);
      await damage();
      const before = await contentOf(on.served);
      const refsBefore = await refsBelow(on.served, 'refs/');
      const target = await on.targetBy(kind);
      const restore = on.bench.restore({ target });
      const found = await restore.engine.look(restore.context, directory);
      expect(found).toMatchObject({ present: true, missingCount: missing.length });
      for (const name of missing) expect(found.missing).toContainEqual(expect.stringMatching(name));
      expect(await contentOf(on.served)).toEqual(before);

      const copy = await restore.whole(directory);
      expect(await contentWithout(on)).toEqual(expected);
      expect(restore.notes).toEqual([]);
      expect(restore.states).toEqual(kind === 'path' ? ['Unavailable', 'Replaced'] : ['Replaced']);
      const copied = {
        path: { kind: 'Directory', names: ['/ops/ansible.git.holdfast-0a1b2c3d-old'], count: 1 },
        server: { kind: 'Refs', count: before.refs.split('\n').length },
      };
      expect(copy).toMatchObject(copied[kind === 'path' ? 'path' : 'server']);
      const aside =
        kind === 'path'
          ? await refsBelow(join(on.place, copy.names[0] ?? ''), 'refs/')
          : await refsBelow(on.served, 'refs/holdfast/0a1b2c3d/');
      expect(aside).toEqual(refsBefore);

      // No dump has what was set aside.
      const again = await on.backedUp('again');
      expect(await factsIn(again)).toEqual(await factsIn(directory));

      await restore.engine.discardSafetyCopy(restore.context);
      await restore.engine.discardSafetyCopy(restore.context);
      await restore.engine.discardLoaded(restore.context);
      expect(await contentOf(on.served)).toEqual(expected);
      expect(await readdir(join(on.place, 'ops'))).toEqual(['ansible.git']);
      expect(await readdir(on.bench.scratch)).toEqual([]);
      expect((await readdir(on.bench.fetched)).toSorted()).toEqual(['again', 'latest']);
    },
    minutes,
  );

  test(
    'refs of every kind and odd names, three times in a row, each keeping what the last set aside',
    async () => {
      await makeRepository(on.tree);
      await addOddities(on.tree);
      await on.serve();
      const directory = await on.backedUp();
      const expected = await contentOf(on.served);
      const target = await on.targetBy(kind);
      for (const id of ['00000001', '00000002', '00000003']) {
        await git(on.served, ['update-ref', `refs/heads/only-${id}`, 'refs/heads/main']);
        await git(on.served, ['update-ref', '-d', 'refs/notes/commits']);
        const restore = on.bench.restore({ target, id });
        await restore.whole(directory);
        expect(await contentWithout(on)).toEqual(expected);
      }
      for (const id of ['00000001', '00000002', '00000003']) {
        const { engine, context } = on.bench.restore({ target, id });
        const aside = {
          path: () => refsBelow(`${on.served}.holdfast-${id}-old`, 'refs/heads/'),
          server: () => refsBelow(on.served, `refs/holdfast/${id}/heads/`),
        };
        const names = (await aside[kind === 'path' ? 'path' : 'server']()).map((line) => line.split(' ')[1]);
        expect(names).toContain(`only-${id}`);
        await engine.discardSafetyCopy(context);
      }
      expect(await contentOf(on.served)).toEqual(expected);
    },
    minutes,
  );

  test(
    'an empty repository gets all of it, and nothing is set aside',
    async () => {
      const directory = await on.usual();
      const expected = await contentOf(on.served);
      await rm(on.served, { recursive: true });
      await git(on.place, ['init', '--quiet', '--bare', '--initial-branch=main', on.served]);
      await git(on.served, ['config', 'http.receivepack', 'true']);
      const restore = on.bench.restore({ target: await on.targetBy(kind) });
      expect(await restore.engine.look(restore.context, directory)).toMatchObject({
        objects: 0,
        rows: 0,
        missing: ['refs/heads/main', 'refs/heads/staging', 'refs/tags/v1'],
      });
      const copy = await restore.whole(directory);
      expect(copy.kind).toBe(kind === 'path' ? 'Directory' : 'None');
      expect(await contentOf(on.served)).toEqual(expected);
    },
    minutes,
  );

  test(
    'what is in place otherwise than it was is seen',
    async () => {
      const directory = await on.usual();
      const { engine, context, swap } = on.bench.restore({ target: await on.targetBy(kind) });
      await engine.load(context, directory);
      await swap(directory);
      await git(on.served, ['update-ref', 'refs/heads/new', 'refs/heads/main']);
      await git(on.served, ['update-ref', 'refs/heads/main', 'refs/heads/main~1']);
      expect((await engine.check(context, directory)).mismatches).toEqual([
        expect.stringMatching(/^ref refs\/heads\/main: /),
        'ref refs/heads/new: unexpected',
      ]);
    },
    minutes,
  );
});

test('what a restore has set aside at a server is in no dump, by any access', async () => {
  const directory = await on.usual();
  const facts = await factsIn(directory);
  await commit(on.tree, { 'aside.txt': 'only there\n' });
  await git(on.served, ['fetch', '--quiet', on.tree, '+refs/heads/main:refs/holdfast/0a1b2c3d/heads/main']);
  await git(on.served, ['symbolic-ref', 'refs/holdfast/0a1b2c3d/heads/alias', 'refs/heads/main']);
  const again = await on.backedUp('again');
  expect(await factsIn(again)).toEqual(facts);
  const [first, second] = await Promise.all(
    [directory, again].map((each) => readFile(join(each, 'repository.bundle'))),
  );
  expect(second?.equals(first ?? Buffer.alloc(0))).toBe(true);
  expect((await on.dumps.ledger()).copies.at(-1)?.notCovered).toBeUndefined();
}, 60_000);
