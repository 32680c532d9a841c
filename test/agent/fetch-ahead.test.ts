import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { benchForEach } from './support/bench-for-each.ts';
import { digests, type Files, readDigests } from './support/duplicity-bench.ts';
import { processesOf } from './support/processes.ts';
import { startRsyncRepository } from './support/repositories.ts';

// The next volume is fetched while duplicity reads one.

const on = benchForEach(startRsyncRepository);

/** Both sets of several volumes. */
const day = (number: number): Files => ({
  'agama/agama.sql': randomBytes(2_200_000),
  'facts.json': Buffer.from(JSON.stringify({ dataTime: `2026-01-0${number}T01:00:03Z` })),
});

let newest: Files;

beforeEach(async () => {
  newest = day(2);
  for (const [kind, files] of [
    ['Full', day(1)],
    ['Incremental', newest],
  ] as const) {
    await on.bench.addCopy(files);
    const { result, log } = await on.bench.ship({ kind });
    if (result.made !== kind) throw new Error(log);
  }
}, 60_000);

/** An rsync that writes down which volume it fetches and whether duplicity asked for it, and does something else before that. */
const rsyncThat = (instead = ''): Promise<string> =>
  on.bench.program(
    'rsync',
    `#!/bin/bash
source=\${*: -2:1}
case $source in *:*.vol*) ;; *) exec /usr/bin/rsync "$@" ;; esac
case \${*: -1} in */ahead/*) how=ahead ;; *) how=asked ;; esac
kind=\${source##*/duplicity-}; number=\${kind#*.vol}
echo "\${kind%%.*} \${number%%.*} $how" >>"$0.fetched"
${instead}
exec /usr/bin/rsync "$@"
`,
  );

const fetched = async (programs: string): Promise<string[]> =>
  (await readFile(join(programs, 'rsync.fetched'), 'utf8')).trimEnd().split('\n').toSorted();

const isWhole = async (): Promise<void> => {
  expect(await readDigests(join(on.bench.fetched, 'latest'))).toEqual(digests(newest));
  expect((await readdir(on.bench.fetched)).toSorted()).toEqual(['fetched.json', 'latest']);
  expect(await readdir(on.bench.scratch)).toEqual([]);
};

test('each volume is fetched once, and no other is asked for', async () => {
  const programs = await rsyncThat();
  expect((await on.bench.fetch({ programs })).result.failure).toBeUndefined();
  const all = await fetched(programs);
  const volumes = ['full 1', 'full 2', 'full 3', 'inc 1', 'inc 2', 'inc 3'];
  expect(all.map((line) => line.replace(/ \w+$/, ''))).toEqual(volumes);
  // The first of each set is asked for, and one volume at a time is fetched ahead.
  expect(all.filter((line) => line.endsWith(' ahead')).length).toBeGreaterThanOrEqual(2);
  await isWhole();
}, 90_000);

test.each([
  { what: 'fails', instead: 'exit 12' },
  { what: 'is killed', instead: 'kill -9 $$' },
  { what: 'is killed with what started it', instead: 'kill -9 $PPID $$' },
  { what: 'brings half', instead: `head -c 1000 /dev/urandom >"\${*: -1}"; exit 23` },
])(
  'what is fetched ahead $what: it is fetched when it is asked for',
  async ({ instead }) => {
    const programs = await rsyncThat(`[ $how = asked ] || { ${instead}; }`);
    expect((await on.bench.fetch({ programs })).result.failure).toBeUndefined();
    const all = await fetched(programs);
    expect(all.filter((line) => line.endsWith(' asked'))).toHaveLength(6);
    expect(all.length).toBeGreaterThan(6);
    await isWhole();
  },
  90_000,
);

test('what is fetched ahead and does not end is stopped with the run', async () => {
  const programs = await rsyncThat(`[ $how = asked ] || sleep 300`);
  const run = await on.bench.fetch({ programs, deadlineSeconds: 15 });
  expect(run.result.failure?.reason).toBe('DeadlineExceeded');
  expect(await processesOf(on.bench.path)).toEqual([]);
  expect(await readdir(on.bench.scratch)).toEqual([]);
}, 60_000);
