import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contentOf, git } from './support/git-repository.ts';
import { gitRestoresForEach } from './support/git-restores.ts';
import { equal, failureOf } from './support/engine-restore-bench.ts';

const minutes = 120_000;

const on = gitRestoresForEach();

test(
  'keeps what is not content: hooks, configuration, description, rights, and what a server put there',
  async () => {
    const directory = await on.usual();
    await mkdir(join(on.served, 'hooks'), { recursive: true });
    await writeFile(join(on.served, 'hooks/post-receive'), '#!/bin/sh\n', { mode: 0o755 });
    await writeFile(join(on.served, 'description'), 'Playbooks\n');
    await writeFile(join(on.served, 'git-daemon-export-ok'), '');
    await mkdir(join(on.served, 'lfs/objects'), { recursive: true });
    await writeFile(join(on.served, 'lfs/objects/one'), 'large');
    await mkdir(join(on.served, 'info'), { recursive: true });
    await writeFile(join(on.served, 'info/exclude'), '*.swp\n');
    await writeFile(join(on.served, 'info/refs'), 'stale\n');
    await git(on.served, ['config', 'receive.denyDeletes', 'true']);
    const config = await readFile(join(on.served, 'config'), 'utf8');
    await chmod(on.served, 0o2775);
    await chmod(join(on.served, 'HEAD'), 0o664);
    await git(on.served, ['update-ref', 'refs/heads/main', 'refs/heads/main~3']);
    const restore = on.bench.restore({ target: await on.targetBy('path') });
    await restore.whole(directory);
    expect(await readFile(join(on.served, 'config'), 'utf8')).toBe(config);
    expect(await readFile(join(on.served, 'description'), 'utf8')).toBe('Playbooks\n');
    expect(await readFile(join(on.served, 'lfs/objects/one'), 'utf8')).toBe('large');
    expect(await readFile(join(on.served, 'info/exclude'), 'utf8')).toBe('*.swp\n');
    expect(await readdir(join(on.served, 'info'))).not.toContain('refs');
    expect(await readdir(on.served)).toContain('git-daemon-export-ok');
    const modes = async (name: string) => ((await stat(join(on.served, name))).mode & 0o7777).toString(8);
    expect(await modes('.')).toBe('2775');
    expect(await modes('objects')).toBe('2775');
    expect(await modes('packed-refs')).toBe('664');
    expect(await modes('hooks/post-receive')).toBe('775');
    const [pack = ''] = (await readdir(join(on.served, 'objects/pack'))).filter((name) => name.endsWith('.pack'));
    expect(await modes(join('objects/pack', pack))).toBe('444');
  },
  minutes,
);

test(
  'whose content is deleted, or that is not there, comes back',
  async () => {
    const directory = await on.usual();
    const expected = await contentOf(on.served);
    for (const name of ['objects', 'refs', 'packed-refs'])
      await rm(join(on.served, name), { recursive: true, force: true });
    const first = on.bench.restore({ target: await on.targetBy('path') });
    expect(await first.engine.look(first.context, directory)).toMatchObject({ objects: 0, missingCount: 3 });
    await first.whole(directory);
    expect(await contentOf(on.served)).toEqual(expected);

    await rm(join(on.place, 'ops'), { recursive: true });
    const second = on.bench.restore({ target: await on.targetBy('path'), id: 'ffff0000' });
    expect(await second.engine.look(second.context, directory)).toMatchObject({ present: false, missingCount: 3 });
    expect(await second.whole(directory)).toEqual({ kind: 'None', names: [], count: 0 });
    expect(await contentOf(on.served)).toEqual(expected);
  },
  minutes,
);

test(
  'that is damaged is told so, and exchanged',
  async () => {
    const directory = await on.usual();
    const expected = await contentOf(on.served);
    const pack = join(on.served, 'objects/pack');
    for (const name of await readdir(pack)) {
      if (!name.endsWith('.pack')) continue;
      await chmod(join(pack, name), 0o644);
      const bytes = await readFile(join(pack, name));
      bytes.fill(0, 200, 400);
      await writeFile(join(pack, name), bytes);
    }
    const { engine, context, whole } = on.bench.restore({ target: await on.targetBy('path') });
    expect((await engine.look(context, directory)).missing[0]).toMatch(/^what is damaged \(/);
    await whole(directory);
    expect(await contentOf(on.served)).toEqual(expected);
  },
  minutes,
);

test(
  'with a configuration that is broken gets a new one, and that is told',
  async () => {
    const directory = await on.usual();
    const expected = await contentOf(on.served);
    await writeFile(join(on.served, 'config'), '[core\nbroken');
    const restore = on.bench.restore({ target: await on.targetBy('path') });
    await restore.engine.load(restore.context, directory);
    await restore.swap(directory);
    equal(await restore.engine.check(restore.context, directory));
    expect(restore.notes).toMatchObject([{ reason: 'NotCovered', message: expect.stringMatching(/configuration/) }]);
    expect(await contentOf(on.served)).toEqual(expected);
  },
  minutes,
);

test.each([
  {
    what: 'a working tree',
    make: async () => {
      await rm(on.served, { recursive: true });
      await git(on.place, ['clone', '--quiet', on.tree, on.served]);
    },
    words: /^DestinationUnsupported: .*working tree/,
  },
  {
    what: 'a link',
    make: async () => {
      await rm(on.served, { recursive: true });
      await symlink(on.tree, on.served);
    },
    words: /^DestinationUnsupported: .*no directory/,
  },
])(
  '$what is refused before anything is loaded',
  async ({ make, words }) => {
    const directory = await on.usual();
    await make();
    const { engine, context } = on.bench.restore({ target: await on.targetBy('path') });
    expect(await failureOf(engine.look(context, directory))).toMatch(words);
    expect(await failureOf(engine.load(context, directory))).toMatch(words);
    expect(await readdir(on.bench.fetched)).toEqual(['latest']);
  },
  minutes,
);

test.each([{ into: { by: 'Name', name: 'other' } as const }, { into: { by: 'SameNames' } as const }])(
  'into $into.by is not supported',
  async ({ into }) => {
    const directory = await on.usual();
    const { engine, context } = on.bench.restore({ target: await on.targetBy('path'), into });
    expect(await failureOf((async () => engine.look(context, directory))())).toMatch(/^DestinationUnsupported: /);
    expect(await failureOf(engine.load(context, directory))).toMatch(/^DestinationUnsupported: /);
  },
);
