import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commit, contentOf, git, publish } from './support/git-repository.ts';
import { failureOf, killSwap, puttingBack, startSwap } from './support/engine-restore-bench.ts';
import { contentWithout, forcePush, gitRestoresForEach, refsBelow, type Access } from './support/git-restores.ts';

const minutes = 120_000;
const first = '0a1b2c3d';

const on = gitRestoresForEach();

/** A repository that was restored, and what it held before that and after. */
const restored = async (kind: Access) => {
  const directory = await on.usual();
  const backedUp = await contentOf(on.served);
  await forcePush(on);
  await git(on.tree, ['branch', 'since']);
  await commit(on.tree, { 'since.txt': 'since\n' });
  await publish(on.tree, on.served);
  await git(on.served, ['update-ref', '-d', 'refs/tags/v1']);
  const before = await contentOf(on.served);
  const target = await on.targetBy(kind);
  const { count } = await on.bench.restore({ target }).whole(directory);
  return { directory, backedUp, before, target, from: { id: first, count } };
};

test.each<{ kind: Access }>([{ kind: 'path' }, { kind: 'ssh' }, { kind: 'https' }])(
  'by $kind: what a restore set aside is put back, the same; and what that replaced is set aside in its turn',
  async ({ kind }) => {
    const { backedUp, before, target, from } = await restored(kind);
    const directory = await on.bench.copyDirectory();
    const second = on.bench.restore({ target, id: 'ffff0000', from });
    const looked = await puttingBack(second.engine, from).look(second.context, undefined);
    const refs = before.refs.split('\n').length;
    expect(looked).toMatchObject({ found: { present: true }, copy: { objects: refs, rows: expect.any(Number) } });
    expect(await contentWithout(on)).toEqual(backedUp);

    const { count } = await second.whole(directory);
    expect(await contentWithout(on)).toEqual(before);
    expect(second.notes).toEqual([]);
    await on.bench.restore({ target, id: 'eeee0000', from: { id: 'ffff0000', count } }).whole(directory);
    expect(await contentWithout(on)).toEqual(backedUp);
    for (const id of [first, 'ffff0000', 'eeee0000']) {
      const { engine, context } = on.bench.restore({ target, id });
      await engine.discardSafetyCopy(context);
      await engine.discardLoaded(context);
    }
    expect(await contentOf(on.served)).toEqual(backedUp);
    expect(await readdir(join(on.place, 'ops'))).toEqual(['ansible.git']);
  },
  minutes,
);

test.each<{ reason: string; kind: Access; damage: () => Promise<unknown>; why: RegExp }>([
  {
    reason: 'it was discarded',
    kind: 'path',
    damage: () => rm(`${on.served}.holdfast-${first}-old`, { recursive: true }),
    why: /the safety copy was discarded/,
  },
  {
    reason: 'it is damaged',
    kind: 'path',
    damage: () => rm(join(`${on.served}.holdfast-${first}-old`, 'objects'), { recursive: true }),
    why: /put back by hand alone/,
  },
  {
    reason: 'its refs were deleted',
    kind: 'ssh',
    damage: async () => {
      for (const line of await refsBelow(on.served, `refs/holdfast/${first}/`))
        await git(on.served, ['update-ref', '-d', `refs/holdfast/${first}/${line.split(' ')[1] ?? ''}`]);
    },
    why: /the safety copy was discarded/,
  },
  {
    reason: 'a ref of it was deleted',
    kind: 'ssh',
    damage: () => git(on.served, ['update-ref', '-d', `refs/holdfast/${first}/heads/main`]),
    why: /has \d+ refs below .* and \d+ were set aside/,
  },
])(
  'is refused, and nothing is touched: $reason',
  async ({ kind, damage, why }) => {
    const { target, from } = await restored(kind);
    await damage();
    const content = await contentOf(on.served);
    const directory = await on.bench.copyDirectory();
    const { engine, context } = on.bench.restore({ target, id: 'ffff0000', from });
    const back = puttingBack(engine, from);
    for (const work of [() => back.look(context, undefined), () => back.load(context, directory)]) {
      const failure = await failureOf(work());
      expect(failure).toMatch(/^SafetyCopyUnavailable: /);
      expect(failure).toMatch(why);
    }
    expect(await contentOf(on.served)).toEqual(content);
  },
  minutes,
);

test.each<{ kind: Access; after: 'Start' | 'Told'; ms: number }>([
  { kind: 'path', after: 'Start', ms: 450 },
  { kind: 'path', after: 'Told', ms: 0 },
  { kind: 'path', after: 'Told', ms: 10 },
  { kind: 'ssh', after: 'Start', ms: 600 },
  { kind: 'ssh', after: 'Start', ms: 1000 },
])(
  'killed by $kind, $ms ms after it $after: there is the one or the other, and the copy is put back by the next',
  async ({ kind, ...moment }) => {
    const { backedUp, before, target, from } = await restored(kind);
    const directory = await on.bench.copyDirectory();
    const options = { target, id: 'ffff0000', from };
    const second = on.bench.restore(options);
    await second.parts.load(second.context, directory);
    const swap = startSwap(on.bench, options, directory);
    await killSwap(swap, moment);
    expect((await swap.end).output).toMatch(/^begins/);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const third = on.bench.restore({ target, id: 'eeee0000', from });
    await third.engine.recover(third.context);
    expect([before, backedUp]).toContainEqual(await contentWithout(on));
    await third.whole(directory);
    expect(await contentWithout(on)).toEqual(before);
  },
  minutes,
);
