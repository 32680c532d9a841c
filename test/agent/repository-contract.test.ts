import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { benchForEach } from './support/bench-for-each.ts';
import { digests, type Files } from './support/duplicity-bench.ts';
import { processesOf, waitFor } from './support/processes.ts';
import { repositoryKinds } from './support/repositories.ts';
import { failed, failureOf, large, madeBy, restored, small } from './support/ship-outcomes.ts';
import { withSmallDisk } from './support/small-disk.ts';

// What shipping promises of every kind of repository. A new kind is one more row of repositoryKinds.

describe.each(repositoryKinds)('a repository by $kind', ({ start, megabytes }) => {
  const on = benchForEach(start);

  /** A file of a chain in the repository, the newest chain when it is left out. */
  const inChain = async (part: string, chain?: string): Promise<string> => {
    const directory = join(on.bench.repository, chain ?? (await on.bench.chains()).at(-1) ?? '');
    return join(directory, (await readdir(directory)).find((name) => name.includes(part)) ?? part);
  };

  const volumes = async (): Promise<number> => {
    const chain = (await on.bench.chains()).at(-1);
    const names = chain === undefined ? [] : await readdir(join(on.bench.repository, chain));
    return names.filter((name) => name.startsWith('duplicity-') && name.includes('.vol')).length;
  };

  test('a full and two incrementals: each point restores with plain duplicity, and what is foreign is left alone', async () => {
    // Of two volumes, and it changes a little from day to day.
    const base = randomBytes(1_300_000);
    const day = (number: number): Files => ({
      'agama/agama.sql': Buffer.concat([base, Buffer.from(`-- day ${number}\n`.repeat(number * 50))]),
      'facts.json': Buffer.from(JSON.stringify({ day: number })),
    });
    const foreign: [string, string][] = [];
    for (const number of [1, 2, 3]) {
      await on.bench.addCopy(day(number));
      const kind = number === 1 ? 'Full' : 'Incremental';
      const run = await on.bench.ship({ kind });
      expect(madeBy(run)).toEqual([kind]);
      expect(run.result.newest.chain).toMatchObject({ incrementals: number - 1, intact: true });
      if (number > 1) continue;
      const chain = await inChain('.vol1.').then((file) => file.slice(0, file.lastIndexOf('/')));
      foreign.push([join(chain, 'notes of a person'), 'a'], [join(chain, 'two\nlines'), 'b']);
      foreign.push([join(on.bench.repository, 'read me'), 'c'], [join(on.bench.path, 'outside'), 'd']);
      for (const [file, content] of foreign) await writeFile(file, content);
      await symlink(join(on.bench.path, 'outside'), join(on.bench.repository, 'link out'));
    }
    const { chains, copies } = await on.bench.ledger();
    expect(chains.map(({ sets }) => sets.length)).toEqual([3]);
    const sets = chains[0]?.sets ?? [];
    expect(copies.map(({ shippedAs }) => shippedAs)).toEqual(sets.map(({ setTime }) => setTime));
    for (const [index, { setTime }] of sets.entries())
      expect(await restored(on.bench, -1, setTime)).toEqual(digests(day(index + 1)));
    for (const [file, content] of foreign) expect(await readFile(file, 'utf8')).toBe(content);
    // What is recorded of each set is what is there, but for what is foreign.
    const there = (await readdir(await inChain('').then((file) => file.slice(0, file.lastIndexOf('/'))))).toSorted();
    const recorded = sets.flatMap(({ files }) => files.map(({ name }) => name));
    expect(there).toEqual([...recorded, 'notes of a person', 'two\nlines'].toSorted());
  }, 120_000);

  test('a volume that is missing, then one that is cut off: a full in a chain of its own, and the old ones are never green again', async () => {
    await on.bench.addCopy(small('a'));
    expect(madeBy(await on.bench.ship())).toEqual(['Full']);
    const spoilt: string[] = [];
    for (const spoil of [(file: string) => rm(file), (file: string) => truncate(file, 100)]) {
      const volume = await inChain('.vol1.');
      await spoil(volume);
      spoilt.push(volume.slice(volume.lastIndexOf('/') + 1));
      await on.bench.addCopy(small(`b${spoilt.length}`));
      const run = await on.bench.ship({ kind: 'Incremental' });
      expect(madeBy(run)).toEqual(['Full', 'ChainBroken']);
      expect(run.result.notes[0]?.message).toContain(spoilt.at(-1));
    }
    const { chains } = await on.bench.ledger();
    expect(chains.map(({ problem = 'none', sets }) => [problem, sets.length])).toEqual([
      [expect.stringContaining(`${spoilt[0]} is missing`), 1],
      [expect.stringContaining(`${spoilt[1]} has 100 bytes`), 1],
      ['none', 1],
    ]);
    expect(await restored(on.bench)).toEqual(digests(small('b2')));
  }, 120_000);

  test('a directory of another cluster, until it is adopted', async () => {
    await on.bench.addCopy(small('a'));
    expect(madeBy(await on.bench.ship({ cluster: 'other' }))).toEqual(['Full']);
    await on.bench.addCopy(small('b'));
    const run = await on.bench.ship({ kind: 'Incremental' });
    expect(await failureOf(on.bench, run)).toEqual(failed('Repository', 'RepositoryOwnedByAnother'));
    expect(run.result.failure?.message).toContain('other');
    expect(madeBy(await on.bench.ship({ kind: 'Incremental', adopt: true }))).toEqual(['Incremental']);
    const marker: unknown = JSON.parse(await readFile(join(on.bench.repository, 'holdfast-owner.json'), 'utf8'));
    expect(marker).toEqual({ cluster: 'a-cluster', namespace: 'shop', name: 'agama' });
  }, 90_000);

  test('it may not be written to', async () => {
    await on.bench.addCopy(small('a'));
    const run = await on.bench.ship(await on.repository.unwritable(on.bench));
    expect(await failureOf(on.bench, run)).toEqual(failed('Connect', 'RepositoryNotWritable'));
  }, 60_000);

  test('its disk is full', async () => {
    const place = join(on.bench.place, 'small');
    await withSmallDisk(place, '1500k', async () => {
      await on.bench.addCopy(large('a'));
      expect(await failureOf(on.bench, await on.bench.ship({ place }))).toEqual(failed('Upload', 'RepositoryFull'));
      // What was left there by the full that failed must not keep the next one from fitting.
      await on.bench.addCopy(small('b'));
      expect(madeBy(await on.bench.ship({ place }))).toEqual(['Full', 'PartialSetRemoved']);
    });
  }, 90_000);

  test('the scratch space is full', async () => {
    const scratch = join(on.bench.path, 'tmpfs');
    await withSmallDisk(scratch, '1200k', async () => {
      await on.bench.addCopy(large('a'));
      const run = await on.bench.ship({ scratch });
      await execa('gpgconf', ['--homedir', join(scratch, 'ship/gpg'), '--kill', 'all'], { reject: false });
      expect(await failureOf(on.bench, run)).toEqual(failed('Upload', 'OutOfScratchSpace'));
    });
  }, 60_000);

  describe('cut short during the upload', () => {
    /** SIGKILL for the agent and all it started, when what is asked for is so. */
    const killWhen = async (kind: 'Full' | 'Incremental', reached: () => Promise<boolean>): Promise<void> => {
      const { pid, done } = await on.bench.start({ kind });
      await waitFor('a volume in the repository', reached);
      process.kill(pid, 'SIGKILL');
      await done.catch(() => undefined);
      for (const each of await processesOf(on.bench.scratch)) {
        try {
          process.kill(each.pid, 'SIGKILL');
        } catch {
          // It ended by itself.
        }
      }
    };

    test('SIGKILL in a full and in an incremental: nothing of them counts, later ones work, old sets restore', async () => {
      const first: Files = { 'agama/agama.sql': randomBytes(megabytes * 1e6) };
      await on.bench.addCopy(first);
      await killWhen('Full', async () => (await volumes().catch(() => 0)) >= 1);
      expect((await on.bench.ledger()).chains).toEqual([]);
      await sleep(1000);
      expect(madeBy(await on.bench.ship())).toEqual(['Full', 'PartialSetRemoved']);
      expect(await on.bench.chains()).toHaveLength(1);

      const time = (await on.bench.ledger()).chains[0]?.sets[0]?.setTime;
      const other: Files = { 'agama/agama.sql': randomBytes(megabytes * 1e6) };
      await on.bench.addCopy(other);
      const before = await volumes();
      await killWhen('Incremental', async () => (await volumes()) > before);
      expect((await on.bench.ledger()).chains[0]?.sets).toHaveLength(1);
      expect(madeBy(await on.bench.ship({ kind: 'Incremental' }))).toEqual(['Incremental', 'PartialSetRemoved']);
      expect(await restored(on.bench)).toEqual(digests(other));
      expect(await restored(on.bench, -1, time)).toEqual(digests(first));
    }, 150_000);
  });

  test('a chain whose directory is a link now is another’s: it is not followed', async () => {
    await on.bench.addCopy(small('a'));
    expect(madeBy(await on.bench.ship())).toEqual(['Full']);
    const [chain = ''] = await on.bench.chains();
    const aside = join(on.bench.path, 'aside');
    await mkdir(aside);
    await execa('mv', [join(on.bench.repository, chain), aside]);
    await symlink(join(aside, chain), join(on.bench.repository, chain));
    const names = await readdir(join(aside, chain));
    await on.bench.addCopy(small('b'));
    expect(madeBy(await on.bench.ship({ kind: 'Incremental' }))).toEqual(['Full', 'ChainBroken']);
    expect(await readdir(join(aside, chain))).toEqual(names);
  }, 90_000);
});
