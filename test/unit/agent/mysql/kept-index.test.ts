import { appendFile, mkdir, readdir, readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { indexOf } from '../../../../src/agent/engines/mysql/restore/kept-index.ts';
import type { RestoreContext } from '../../../../src/agent/restore/engine.ts';
import { makeDirectory } from '../../../agent/support/directories.ts';
import { restoreTask } from '../../../agent/support/engine-restore-bench.ts';

const dump = [
  '-- A dump',
  '-- Current Database: `a`',
  'CREATE DATABASE `a`;',
  'USE `a`;',
  '-- Table structure for table `t`',
  'CREATE TABLE `t` (id INT);',
  '-- Dumping data for table `t`',
  'INSERT INTO `t` VALUES (1);',
  '',
].join('\n');

const old = new Date('2026-11-20T10:00:00Z');

let place: Awaited<ReturnType<typeof makeDirectory>>;
const dumpPath = (): string => join(place.path, 'latest', 'dump.sql');
const keptPath = (): string => join(place.path, 'dump-index.json');

beforeEach(async () => {
  place = await makeDirectory();
  await mkdir(join(place.path, 'latest'));
  await writeFile(dumpPath(), dump);
  await utimes(dumpPath(), old, old);
});
afterEach(() => place.remove());

const warnings: string[] = [];
const index = (fetched: string | null = place.path) => {
  const { fetched: _fetched, ...task } = restoreTask(
    { claim: '/claim', scratch: '/scratch', fetched: '' },
    { target: { git: { url: '/app.git', access: { by: 'path', root: '/repositories' } } } },
  );
  const log = { debug() {}, info() {}, error() {}, warn: (words: string) => void warnings.push(words) };
  const context: Pick<RestoreContext, 'task' | 'signal' | 'log'> = {
    task: fetched === null ? { ...task, what: 'Loaded' } : { ...task, fetched },
    signal: new AbortController().signal,
    log,
  };
  return indexOf(context, dumpPath());
};

/** Marks what is kept, so that it is seen whether it was taken. */
const mark = async (): Promise<void> => {
  const text = await readFile(keptPath(), 'utf8');
  await writeFile(keptPath(), text.replace('"name":"a"', '"name":"marked"'));
};

test('the index of a dump that nobody touched is made once', async () => {
  const first = await index();
  expect(first.databases).toEqual([{ name: 'a', options: '' }]);
  expect(first.sections.map(({ kind }) => kind)).toEqual(['table', 'data']);
  expect(await index()).toEqual(first);
  await mark();
  expect((await index()).databases).toEqual([{ name: 'marked', options: '' }]);
});

test.each<{ what: string; touch: () => Promise<unknown>; reason: string }>([
  { what: 'a dump that is longer', touch: () => appendFile(dumpPath(), '-- more\n'), reason: 'its size' },
  {
    what: 'a dump of the same length that says it is as old as before',
    touch: async () => {
      await writeFile(dumpPath(), dump.replaceAll('`t`', '`u`'));
      await utimes(dumpPath(), old, old);
    },
    reason: 'when its file was changed last, which nobody can set',
  },
  {
    what: 'another file under its name',
    touch: async () => {
      await writeFile(`${dumpPath()}.new`, dump);
      await utimes(`${dumpPath()}.new`, old, old);
      await rename(`${dumpPath()}.new`, dumpPath());
    },
    reason: 'its number',
  },
  { what: 'an index that is cut', touch: () => writeFile(keptPath(), '{"version":1,"dump'), reason: 'it is none' },
  { what: 'an index of another form', touch: () => writeFile(keptPath(), '{"version":2}'), reason: 'it is none' },
])('it is made anew for $what', async ({ touch }) => {
  await index();
  await mark();
  await touch();
  expect((await index()).databases).toEqual([{ name: 'a', options: '' }]);
});

test('where nothing was fetched, or nothing can be kept, it is made each time', async () => {
  expect((await index(null)).databases).toHaveLength(1);
  expect(await readdir(place.path)).toEqual(['latest']);
  expect((await index(join(place.path, 'not-there'))).databases).toHaveLength(1);
  expect(warnings).toEqual(['the index of the dump is not kept: it is made once more']);
});
