import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectAsked, restorePage, runPage } from '../support/restore-page.ts';
import { benchForEach } from './support/bench-for-each.ts';
import { digests, type Files, readDigests } from './support/duplicity-bench.ts';
import { makeGpgOwner } from './support/duplicity-gpg.ts';
import { startVolumeRepository } from './support/repositories.ts';
import { madeBy } from './support/ship-outcomes.ts';

// The commands for a backup host are run by the end-to-end tests, on what real pods have put there.

const on = benchForEach(startVolumeRepository);

test('what is on a claim is restored without Holdfast, by the commands of docs/restore-by-hand.md', async () => {
  const owner = await makeGpgOwner(on.bench.path, 'o');
  await owner.stop();
  const encryption = {
    method: 'gpg',
    publicKey: await on.bench.secret('gpg', { 'public.asc': owner.publicKey }),
  } as const;
  const day = (number: number): Files => ({
    'dump.sql': Buffer.from(`-- day ${number}\n-- Dump completed\n`.repeat(500)),
    'facts.json': Buffer.from('{}'),
  });
  for (const [number, kind] of [
    [1, 'Full'],
    [2, 'Incremental'],
  ] as const) {
    await on.bench.addCopy(day(number));
    expect(madeBy(await on.bench.ship({ kind, encryption }))).toEqual([kind]);
  }
  const settings = {
    BACKUP_DIRECTORY: on.bench.repository,
    GPG_PRIVATE_KEY: join(on.bench.path, 'private.asc'),
    WORK: join(on.bench.path, 'w'),
  };
  await mkdir(settings.WORK);
  await writeFile(settings.GPG_PRIVATE_KEY, owner.privateKey, { mode: 0o600 });
  const { place, commands } = await restorePage({ engine: 'MySQL', variant: 'volume' });
  expectAsked(place, Object.keys(settings));
  // Step 2 of the page is what differs; the rest is the same.
  const { commands: all } = await restorePage({ engine: 'MySQL' });
  const printed = await runPage(
    [...commands, ...all.slice(1)],
    // What is loaded is compared by the end-to-end tests.
    { ...settings, MARIADB: 'true' },
    on.bench.path,
  );
  expect(printed).toContain('-- Dump completed');
  expect(await readDigests(join(settings.WORK, 'data'))).toEqual(digests(day(2)));
}, 120_000);
