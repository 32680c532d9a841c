import { join } from 'node:path';
import { benchForEach } from './support/bench-for-each.ts';
import { digests } from './support/duplicity-bench.ts';
import { processesOf } from './support/processes.ts';
import { startRsyncRepository } from './support/repositories.ts';
import { large, madeBy, restored } from './support/ship-outcomes.ts';

// The programs of a run share one connection to the backup host.

const on = benchForEach(startRsyncRepository);

const logins = (): number => on.repository.host.log().match(/Accepted publickey/g)?.length ?? 0;
/** Programs that hold a connection of a run of this bench. */
const connections = () => processesOf(join(on.bench.scratch, 'ship'));

test('a run has one, and ends it', async () => {
  await on.bench.addCopy(large('a'));
  expect(madeBy(await on.bench.ship())).toEqual(['Full']);
  expect(logins()).toBe(1);
  expect(await connections()).toEqual([]);
  expect(await on.bench.resolve()).toMatchObject({ exitCode: 0 });
  expect(logins()).toBe(2);
}, 90_000);

test('one that is lost between two programs is made anew', async () => {
  const before = logins();
  const lost = `pkill --full '${join(on.bench.scratch, 'ship')}/id-shared \\[mux\\]' && touch "$0.lost"`;
  const programs = await on.bench.program(
    'rsync',
    `#!/bin/sh\ncase "$*" in *vol2*) [ -e "$0.lost" ] || ${lost};; esac\nexec /usr/bin/rsync "$@"\n`,
  );
  await on.bench.addCopy(large('a'));
  expect(madeBy(await on.bench.ship({ programs }))).toEqual(['Full']);
  expect(logins() - before).toBe(2);
  expect(await restored(on.bench)).toEqual(digests(large('a')));
}, 90_000);

test('a run that fails ends it too', async () => {
  const programs = await on.bench.program('duplicity', '#!/bin/sh\nexit 0\n');
  await on.bench.addCopy(large('a'));
  expect(madeBy(await on.bench.ship({ programs }))).toMatchObject(['RepositoryIncomplete', expect.any(String)]);
  expect(await connections()).toEqual([]);
}, 60_000);
