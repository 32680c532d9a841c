import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digests } from './support/duplicity-bench.ts';
import { processesOf } from './support/processes.ts';
import { failed, failureOf, large, madeBy, restored } from './support/ship-outcomes.ts';
import { benchForEach } from './support/bench-for-each.ts';
import { startRsyncRepository } from './support/repositories.ts';

// A volume is sent while duplicity makes the next one.

const on = benchForEach(startRsyncRepository);

/**
 * An rsync that writes down what it sends, before and after, and does something else for some volume before that: `$source` and `$name` are
 * what is sent, and `once` is true the first time only.
 */
const rsyncThat = (instead: string): Promise<string> =>
  on.bench.program(
    'rsync',
    `#!/bin/bash
source=\${*: -2:1}
name=\${*: -1}; name=\${name##*/}
case $name in duplicity-*) [ -f "$source" ] ;; *) false ;; esac || exec /usr/bin/rsync "$@"
once() { [ ! -e "$0.once" ] && : >"$0.once"; }
kind=\${name#*Z.}; kind=\${kind%.gz}
echo "begin $kind" >>"$0.sent"
${instead}
/usr/bin/rsync "$@"; status=$?
echo "end $kind" >>"$0.sent"
exit $status
`,
  );

const sent = async (programs: string): Promise<string[]> =>
  (await readFile(join(programs, 'rsync.sent'), 'utf8')).trimEnd().split('\n');

const inOrder = (names: readonly string[]): string[] => names.flatMap((name) => [`begin ${name}`, `end ${name}`]);
const allFiles = ['vol1.difftar', 'vol2.difftar', 'vol3.difftar', 'sigtar', 'manifest'];

test('the next volume is made before the first is through; the files come one after the other', async () => {
  const programs = await rsyncThat(`case $name in *.vol1.*)
  for each in {1..200}; do
    for other in '${on.bench.scratch}'/ship/duplicity-*-tempdir/*; do
      [ ! -s "$other" ] || [ "$other" -ef "$source" ] || { echo 'the next is being made' >>"$0.sent"; break 2; }
    done
    sleep 0.05
  done ;;
esac`);
  await on.bench.addCopy(large('a'));
  expect(madeBy(await on.bench.ship({ programs }))).toEqual(['Full']);
  const [begun, ...others] = inOrder(allFiles);
  expect(await sent(programs)).toEqual([begun, 'the next is being made', ...others]);
  expect(await restored(on.bench)).toEqual(digests(large('a')));
}, 90_000);

describe.each([1, 3])('volume %d, of three', (volume) => {
  const forVolume = (what: string): Promise<string> => rsyncThat(`case $name in *.vol${volume}.*) ${what} ;; esac`);

  test.each([
    { what: 'fails once', does: `! once || { echo 'rsync: connection unexpectedly closed' >&2; exit 12; }` },
    { what: 'is killed once', does: '! once || kill -9 $$' },
    { what: 'is killed once with what started it', does: '! once || kill -9 $PPID $$' },
  ])(
    '$what: it is sent again',
    async ({ does }) => {
      const programs = await forVolume(does);
      await on.bench.addCopy(large('a'));
      expect(madeBy(await on.bench.ship({ programs }))).toEqual(['Full']);
      const name = `vol${volume}.difftar`;
      expect(await sent(programs)).toEqual(
        inOrder(allFiles).flatMap((line) => (line === `begin ${name}` ? [line, line] : [line])),
      );
      expect(await restored(on.bench)).toEqual(digests(large('a')));
    },
    90_000,
  );

  test('fails twice: nothing is green, and its own words tell why', async () => {
    const programs = await forVolume(`echo 'rsync: write failed: No space left on device (28)' >&2; exit 11`);
    await on.bench.addCopy(large('a'));
    const run = await on.bench.ship({ programs });
    expect(await failureOf(on.bench, run)).toEqual(failed('Upload', 'RepositoryFull'));
    expect(run.result.failure?.message).toContain('No space left on device (28)');
    expect((await sent(programs)).filter((line) => line === `begin vol${volume}.difftar`)).toHaveLength(2);
    expect(await sent(programs)).not.toContain('begin manifest');
    // What was there is tidied up by the next run.
    expect(madeBy(await on.bench.ship())).toEqual(volume === 1 ? ['Full'] : ['Full', 'PartialSetRemoved']);
    expect(await restored(on.bench)).toEqual(digests(large('a')));
  }, 90_000);
});

test('a volume that does not end is stopped with the run', async () => {
  const programs = await rsyncThat(`case $name in *.vol2.*) sleep 300 ;; esac`);
  await on.bench.addCopy(large('a'));
  expect(await failureOf(on.bench, await on.bench.ship({ programs, deadlineSeconds: 15 }))).toEqual(
    failed('Upload', 'DeadlineExceeded'),
  );
  expect(await processesOf(on.bench.scratch)).toEqual([]);
  expect(await processesOf(programs)).toEqual([]);
  expect(await readdir(on.bench.scratch)).not.toContain('ship');
}, 60_000);

test('where a volume cannot be taken over, it is sent as duplicity does', async () => {
  const programs = await on.bench.program('ln', '#!/bin/sh\n: >"$0.asked"; exit 1\n');
  await on.bench.addCopy(large('a'));
  expect(madeBy(await on.bench.ship({ programs }))).toEqual(['Full']);
  await stat(join(programs, 'ln.asked'));
  expect(await restored(on.bench)).toEqual(digests(large('a')));
}, 60_000);
