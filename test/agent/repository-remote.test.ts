import { constants } from 'node:fs';
import { lstat, mkdir, open as openFile, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import type { Log } from '../../src/agent/log.ts';
import { exec } from '../../src/agent/exec.ts';
import { prepareRepository } from '../../src/agent/repositories/registry.ts';
import type { Repository } from '../../src/agent/repositories/repository.ts';
import { createSecrets } from '../../src/agent/secrets.ts';
import type { Remote } from '../../src/agent/ship/remote.ts';
import { benchForEach, type Benches } from './support/bench-for-each.ts';
import { duplicityDirectory } from './support/duplicity.ts';
import { repositoryKinds, startVolumeRepository, type TestRepository } from './support/repositories.ts';
import { failed, failureOf, madeBy, small } from './support/ship-outcomes.ts';

// The files of a policy in a repository, as the agent gets at them.

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

const open = async ({ bench, repository }: Benches<TestRepository>): Promise<{ remote: Remote; made: Repository }> => {
  const scope = { signal: new AbortController().signal, log: silent, home: bench.scratch };
  const made = await prepareRepository(
    { run: (command) => exec(scope, command), secrets: createSecrets(), log: silent, task: { scratch: bench.scratch } },
    { repository: await repository.block(bench.secret, bench.place), policy: { namespace: 'shop', name: 'agama' } },
    bench.scratch,
  );
  return { made, remote: made.remote({ scratch: bench.scratch, extra: [] }) };
};

const reasonOf = async (attempt: Promise<unknown>): Promise<unknown> => {
  try {
    await attempt;
    return 'no failure';
  } catch (error) {
    return error instanceof Error && 'reason' in error ? error.reason : error;
  }
};

describe.each(repositoryKinds)('the directory of a policy by $kind', ({ start }) => {
  const on = benchForEach(start);
  const at = (...parts: string[]): string => join(on.bench.repository, ...parts);

  test('is made, listed, written to and read', async () => {
    const { remote } = await open(on);
    expect(await reasonOf(remote.list())).toBe('RepositoryIncomplete');
    await remote.makeDirectory();
    await remote.makeDirectory('chain-a');
    await remote.makeDirectory('chain-a');
    expect(await remote.list()).toEqual([]);
    for (const content of ['first\n', 'ä\n']) {
      await remote.write('holdfast-owner.json', content);
      expect(await remote.readText('holdfast-owner.json')).toBe(content);
    }
    const names = [
      'chain-a/two words',
      'chain-a/ two\nlines ',
      'chain-a/-n',
      'chain-a/deeper/x',
      'holdfast-owner.json',
    ];
    await mkdir(at('chain-a/deeper'));
    for (const name of names.slice(0, -1)) await writeFile(at(name), name);
    await symlink('/etc/hostname', at('chain-a/link'));
    await symlink('/etc', at('chain-a/links'));
    const listed = (await remote.list()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    expect(listed).toEqual(
      names
        .toSorted((a, b) => (a < b ? -1 : 1))
        .map((name) => ({ name, size: name === 'holdfast-owner.json' ? 3 : name.length })),
    );
    expect(await readFile(await remote.fetch('chain-a/-n'), 'utf8')).toBe('chain-a/-n');
    await remote.flush('chain-a');
    // The marker, what was put there, and nothing that was needed on the way.
    expect((await readdir(at())).toSorted()).toEqual(['chain-a', 'holdfast-owner.json']);
  }, 60_000);

  test('a chain is removed by the names of its files, and nothing else is', async () => {
    const { remote } = await open(on);
    for (const chain of ['chain-a', 'chain-b', 'chain-c']) {
      await remote.makeDirectory(chain);
      for (const name of ['full.vol1', 'full.vol1 copy', 'full.manifest', 'two\nlines'])
        await writeFile(at(chain, name), name);
    }
    const outside = join(on.bench.path, 'outside');
    await writeFile(outside, 'kept');
    await symlink(outside, at('chain-a/link'));
    await remote.remove('chain-a', ['full.vol1', 'full.manifest', 'link', 'never there']);
    expect((await readdir(at('chain-a'))).toSorted()).toEqual(['full.vol1 copy', 'two\nlines']);
    expect(await readFile(outside, 'utf8')).toBe('kept');
    // A directory that is not empty stays.
    await remote.remove('', ['chain-a/']).catch(() => undefined);
    expect((await readdir(at('chain-a'))).toSorted()).toEqual(['full.vol1 copy', 'two\nlines']);
    await remote.remove('chain-b', await readdir(at('chain-b')));
    await remote.remove('', ['chain-b/']);
    expect((await readdir(at())).toSorted()).toEqual(['chain-a', 'chain-c']);
    expect(await readdir(at('chain-c'))).toHaveLength(4);
  }, 60_000);

  test('has an identity that another place does not have', async () => {
    const { made } = await open(on);
    const other = await open({
      bench: { ...on.bench, place: join(on.bench.place, 'other') },
      repository: on.repository,
    });
    expect(other.made.identity).not.toBe(made.identity);
    expect((await open(on)).made.identity).toBe(made.identity);
  });
});

describe('a claim that others can write to', () => {
  const on = benchForEach(startVolumeRepository);
  const at = (...parts: string[]): string => join(on.bench.repository, ...parts);
  const outside = (): string => join(on.bench.path, 'outside');

  beforeEach(async () => {
    await mkdir(outside());
    await writeFile(join(outside(), 'victim'), 'kept');
  });

  const outsideNow = async (): Promise<string[]> => [
    ...(await readdir(outside())),
    await readFile(join(outside(), 'victim'), 'utf8'),
  ];

  test('no link is gone through: to a chain, to the marker, or above the directory', async () => {
    const { remote, made } = await open(on);
    await remote.makeDirectory('chain-a');
    await symlink(outside(), at('chain-l'));
    await symlink(join(outside(), 'victim'), at('holdfast-owner.json'));
    await symlink(join(outside(), 'victim'), at('holdfast-owner.json.new'));
    await symlink(join(outside(), 'victim'), at('chain-a', 'duplicity-full.vol1'));
    const attempts = {
      makeDirectory: () => remote.makeDirectory('chain-l'),
      makeDeeper: () => remote.makeDirectory('chain-l/deeper'),
      remove: () => remote.remove('chain-l', ['victim']),
      flush: () => remote.flush('chain-l'),
      fetch: () => remote.fetch('chain-l/victim'),
      write: () => remote.write('chain-l/victim', 'x'),
      marker: () => remote.readText('holdfast-owner.json'),
      address: () => made.address('chain-l'),
      addressOfLinks: () => made.address('chain-a'),
    };
    for (const [what, attempt] of Object.entries(attempts))
      expect([what, await reasonOf(attempt())]).toEqual([what, 'RepositoryNotWritable']);
    expect(await remote.list()).toEqual([]);
    // Removing takes the link itself away, and writing puts a file in its place.
    await remote.remove('', ['chain-l']);
    await remote.write('holdfast-owner.json', 'x');
    expect((await lstat(at('holdfast-owner.json'))).isFile()).toBe(true);
    expect((await readdir(at())).toSorted()).toEqual(['chain-a', 'holdfast-owner.json']);
    await execa('mv', [at(), `${at()}-aside`]);
    await symlink(outside(), at());
    for (const attempt of [
      () => remote.list(),
      () => remote.makeDirectory('chain-b'),
      () => remote.write('victim', 'x'),
    ])
      expect(await reasonOf(attempt())).toBe('RepositoryNotWritable');
    expect(await outsideNow()).toEqual(['victim', 'kept']);
  });

  test('a pipe in the place of the marker makes nobody wait', async () => {
    const { remote } = await open(on);
    await remote.makeDirectory();
    await execa('mkfifo', [at('holdfast-owner.json')]);
    expect(await remote.list()).toEqual([]);
    const read = reasonOf(remote.readText('holdfast-owner.json'));
    const came = await Promise.race([read, sleep(3000, 'it waits')]);
    // Whoever waits is let go.
    await (await openFile(at('holdfast-owner.json'), constants.O_RDWR)).close();
    expect(came).toBe('RepositoryNotWritable');
  });

  test.each(['..', '../outside', 'chain-a/../../x', '/etc'])('the name %s leads nowhere', async (name) => {
    const { remote, made } = await open(on);
    await remote.makeDirectory('chain-a');
    for (const attempt of [
      () => remote.makeDirectory(name),
      () => remote.fetch(name),
      () => remote.readText(name),
      () => remote.write(name, 'x'),
      () => remote.remove(name, ['victim']),
      () => remote.remove('chain-a', [name]),
      () => remote.flush(name),
      () => made.address(name),
    ])
      expect(await reasonOf(attempt())).toBe('InternalError');
    expect(await outsideNow()).toEqual(['victim', 'kept']);
  });

  test('what cannot be flushed to its disk is no success', async () => {
    await on.bench.addCopy(small('a'));
    // What duplicity wrote can be listed but not opened, so that the flushing of it fails.
    const real = join(await duplicityDirectory(), 'duplicity');
    const programs = await on.bench.program(
      'duplicity',
      `#!/bin/sh\n"${real}" "$@"\nstatus=$?\nchmod 000 "${on.bench.repository}"/chain-*/*.manifest\nexit $status\n`,
    );
    const before = ['setpriv', '--bounding-set=-dac_override,-dac_read_search'];
    const run = await on.bench.ship({ programs, before });
    expect(await failureOf(on.bench, run)).toEqual(failed('Upload', 'RepositoryNotWritable'));
    expect(madeBy(await on.bench.ship({ before }))).toEqual(['Full']);
  }, 60_000);
});
