import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { contentOf, git } from './support/git-repository.ts';
import { contentWithout, forcePush, gitRestoresForEach } from './support/git-restores.ts';
import { failureOf, killSwap, startSwap } from './support/engine-restore-bench.ts';

const minutes = 120_000;

const on = gitRestoresForEach();

const moments = [
  ...[250, 450, 650, 900].map((ms) => ({ after: 'Start' as const, ms })),
  ...[0, 5, 20].map((ms) => ({ after: 'Told' as const, ms })),
];
test.each((['path', 'ssh'] as const).flatMap((kind) => moments.map((moment) => ({ kind, ...moment }))))(
  'by $kind, $ms ms after it $after: there is the old or the new, and the next one succeeds',
  async ({ kind, ...moment }) => {
    const directory = await on.usual();
    const expected = await contentOf(on.served);
    await forcePush(on);
    const old = await contentOf(on.served);
    const target = await on.targetBy(kind);
    const first = on.bench.restore({ target });
    await first.engine.load(first.context, directory);
    const swap = startSwap(on.bench, { target }, directory);
    await killSwap(swap, moment);
    const { output } = await swap.end;
    expect(output).toMatch(/^begins/);
    // The server of a push that was cut goes on for a moment.
    if (kind === 'ssh') await sleep(500);
    const next = on.bench.restore({ target, id: 'ffff0000' });
    await next.engine.recover(next.context);
    const now = await contentWithout(on);
    const may = output.includes('told Replaced') ? [expected] : [old, expected];
    expect(may).toContainEqual(now);
    await next.whole(directory);
    expect(await contentWithout(on)).toEqual(expected);
    for (const { engine, context } of [first, next]) {
      await engine.discardLoaded(context);
      await engine.discardSafetyCopy(context);
    }
    expect(await contentOf(on.served)).toEqual(expected);
    expect(await readdir(join(on.place, 'ops'))).toEqual(['ansible.git']);
  },
  minutes,
);

test(
  'between the two renames: what was there is renamed back, and is no safety copy to be thrown away before',
  async () => {
    await on.usual();
    const before = await contentOf(on.served);
    const target = await on.targetBy('path');
    const first = on.bench.restore({ target });
    await git(on.place, ['clone', '--quiet', '--mirror', on.served, `${on.served}.holdfast-0a1b2c3d-new`]);
    await git(on.place, ['clone', '--quiet', '--mirror', on.served, `${on.served}.holdfast-00000009-old`]);
    await rename(on.served, `${on.served}.holdfast-0a1b2c3d-old`);
    expect(await failureOf(first.engine.discardSafetyCopy(first.context))).toMatch(/^RestoreInterrupted: /);
    const next = on.bench.restore({ target, id: 'ffff0000' });
    expect(await next.engine.recover(next.context)).toMatch(/^The restore 0a1b2c3d was stopped .* put back\.$/);
    expect(await contentOf(on.served)).toEqual(before);
    expect((await readdir(join(on.place, 'ops'))).toSorted()).toEqual([
      'ansible.git',
      'ansible.git.holdfast-00000009-old',
    ]);
    expect(await next.engine.recover(next.context)).toBeUndefined();
  },
  minutes,
);
