import { mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import * as fc from 'fast-check';
import { compactTime } from '../../src/agent/layout.ts';
import { expiryOf } from '../../src/cron/expiry.ts';
import { parseDuration } from '../../src/api/v1alpha1/duration.ts';
import { timestamp } from '../../src/base/times.ts';
import { createZone } from '../../src/cron/zone.ts';
import { projectRoot } from '../cluster/paths.ts';
import { makeDirectory } from './support/directories.ts';

// What the host's own pruning removes, by names, sizes and times of arrival. On repositories that Holdfast made: append-only.test.ts.

const program = join(projectRoot, 'host/holdfast-prune');
const dayMs = 86_400_000;
const now = Date.now();
const stampOf = (daysAgo: number): string => compactTime(new Date(now - daysAgo * dayMs));

let root: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  ({ path: root, remove } = await makeDirectory());
});

afterEach(() => remove());

const put = async (name: string, daysAgo: number, content = 'x'): Promise<void> => {
  const path = join(root, 'shop/agama', name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  const time = new Date(now - daysAgo * dayMs);
  await utimes(path, time, time);
};

interface Spoiled {
  /** Parts of the full that are left out. */
  readonly without?: readonly string[];
  /** Parts of the full that are empty. */
  readonly empty?: readonly string[];
  /** When the files came, if not when their names say. */
  readonly arrivedDaysAgo?: number;
}

/** A chain whose full and incrementals were made so many days ago. */
const chain = async ([full = 0, ...later]: readonly number[], spoiled: Spoiled = {}): Promise<string> => {
  const { without = [], empty = [], arrivedDaysAgo } = spoiled;
  const directory = `chain-${stampOf(full)}`;
  const parts = {
    vol1: `duplicity-full.${stampOf(full)}.vol1.difftar.gpg`,
    vol2: `duplicity-full.${stampOf(full)}.vol2.difftar.gpg`,
    manifest: `duplicity-full.${stampOf(full)}.manifest.gpg`,
    signatures: `duplicity-full-signatures.${stampOf(full)}.sigtar.gpg`,
  };
  for (const [part, name] of Object.entries(parts)) {
    if (without.includes(part)) continue;
    await put(`${directory}/${name}`, arrivedDaysAgo ?? full, empty.includes(part) ? '' : 'x');
  }
  let base = full;
  for (const day of later) {
    const span = `${stampOf(base)}.to.${stampOf(day)}`;
    await put(`${directory}/duplicity-inc.${span}.vol1.difftar.gpg`, day);
    await put(`${directory}/duplicity-inc.${span}.manifest.gpg`, day);
    await put(`${directory}/duplicity-new-signatures.${span}.sigtar.gpg`, day);
    base = day;
  }
  return directory;
};

const left = async (): Promise<string[]> =>
  (await readdir(join(root, 'shop/agama'))).filter((name) => name.startsWith('chain-')).toSorted();

const prune = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await execa(program, [...args, root], { reject: false });
  return { exitCode, stdout, stderr };
};

/** What the script takes as the end of what a time is kept for, as an ISO time, for each. */
const endsByScript = async (cases: readonly { time: string; keepFor: string }[]): Promise<string[]> => {
  const text = `
import importlib.machinery, importlib.util, json, sys
loader = importlib.machinery.SourceFileLoader('prune', sys.argv[1])
module = importlib.util.module_from_spec(importlib.util.spec_from_loader('prune', loader))
sys.dont_write_bytecode = True
loader.exec_module(module)
for case in json.load(sys.stdin):
    print(module.Duration(case['keepFor']).after(module.parse_stamp(case['time'])).strftime('%Y-%m-%dT%H:%M:%SZ'))
`;
  const { stdout } = await execa('python3', ['-B', '-c', text, program], { input: JSON.stringify(cases) });
  return stdout.split('\n');
};

test('a time is kept as long as in the cluster, to the second, the ends of months included', async () => {
  const utc = createZone('Etc/UTC');
  const arbitrary = fc.record({
    time: fc.date({ min: new Date('2023-01-01'), max: new Date('2033-01-01'), noInvalidDate: true }),
    keepFor: fc.constantFrom('1mo', '2mo', '13mo', '1mo2w', '4w', '36h', '90m', '1mo1s'),
  });
  const ends = ['2026-01-31T23:59:59Z', '2028-01-31T00:00:00Z', '2026-08-31T12:00:00Z', '2027-12-31T01:00:00Z'];
  const cases = [...ends.map((time) => ({ time: new Date(time), keepFor: '1mo' })), ...fc.sample(arbitrary, 500)].map(
    ({ time, keepFor }) => ({ time: compactTime(time), keepFor, at: time }),
  );
  const expected = cases.map(({ at, keepFor }) => timestamp(expiryOf(at, parseDuration(keepFor), utc)));
  expect(await endsByScript(cases)).toEqual(expected);
});

const week = [0, 1, 2, 3, 4, 5, 6];
/** A week's chain, begun so many days ago. */
const weekFrom = (daysAgo: number): number[] => week.map((day) => daysAgo - day);

test('whole chains, as soon as a newer point is older than what must be kept; first only said', async () => {
  const old = await chain(weekFrom(45));
  const covered = await chain(weekFrom(38));
  const needed = await chain(weekFrom(31));
  const newest = await chain(weekFrom(7));
  const dry = await prune('--keep-for', '4w');
  expect(dry).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`shop/agama/${old} would be removed`) });
  expect(await left()).toEqual([old, covered, needed, newest]);
  const done = await prune('--keep-for', '4w', '--remove');
  expect(done).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('2 chains removed, 2 stay, 0 could not be removed'),
  });
  expect(done.stdout).toContain(`shop/agama/${needed} stays: needed until`);
  expect(await left()).toEqual([needed, newest]);
});

test('months are calendar months', async () => {
  const old = await chain([70, 69]);
  const newest = await chain([33]);
  await prune('--keep-for', '2mo', '--remove');
  expect(await left()).toEqual([old, newest]);
  await prune('--keep-for', '1mo', '--remove');
  expect(await left()).toEqual([newest]);
});

test('a number of newer chains besides', async () => {
  const chains = [await chain([90]), await chain([80]), await chain([70])];
  await prune('--keep-for', '4w', '--keep-chains', '2', '--remove');
  expect(await left()).toEqual(chains.slice(1));
});

describe('nothing goes on the word of a chain that does not look whole', () => {
  test.each([
    { reason: 'no manifest', spoiled: { without: ['manifest'] } },
    { reason: 'no signatures', spoiled: { without: ['signatures'] } },
    { reason: 'a volume is missing', spoiled: { without: ['vol1'] } },
    { reason: 'no volume', spoiled: { without: ['vol1', 'vol2'] } },
    { reason: 'an empty volume', spoiled: { empty: ['vol2'] } },
    { reason: 'an empty manifest', spoiled: { empty: ['manifest'] } },
    { reason: 'it came today, whatever its name says', spoiled: { arrivedDaysAgo: 0 } },
  ])('$reason', async ({ spoiled }) => {
    const whole = await chain([60, 59]);
    await chain([40], spoiled);
    expect((await prune('--keep-for', '4w', '--remove')).exitCode).toBe(0);
    expect(await left()).toContain(whole);
  });

  test('an incremental that builds on nothing', async () => {
    const whole = await chain([60]);
    const other = await chain([40]);
    await put(`${other}/duplicity-inc.${stampOf(39)}.to.${stampOf(38)}.vol1.difftar.gpg`, 38);
    await put(`${other}/duplicity-inc.${stampOf(39)}.to.${stampOf(38)}.manifest.gpg`, 38);
    await put(`${other}/duplicity-new-signatures.${stampOf(39)}.to.${stampOf(38)}.sigtar.gpg`, 38);
    await prune('--keep-for', '4w', '--remove');
    expect(await left()).toEqual([whole, other]);
  });
});

test('an incremental that was cut off does not make its chain unwhole', async () => {
  await chain([60]);
  const other = await chain([40]);
  await put(`${other}/duplicity-inc.${stampOf(40)}.to.${stampOf(39)}.vol1.difftar.gpg`, 39);
  await prune('--keep-for', '4w', '--remove');
  expect(await left()).toEqual([other]);
});

test('the last one that looks whole stays for ever, and broken ones beside it go by age', async () => {
  const broken = await chain([80], { without: ['vol1'] });
  const last = await chain([60]);
  const { stdout } = await prune('--keep-for', '1w', '--remove');
  expect(stdout).toContain(`shop/agama/${last} stays: it is the newest that looks whole`);
  expect(stdout).toContain(`shop/agama/${broken} is removed`);
  expect(await left()).toEqual([last]);
});

test('a full that was never finished goes after a week, unless nothing else looks whole', async () => {
  const unfinished = await chain([10], { without: ['manifest', 'signatures'] });
  const fresh = await chain([3], { without: ['manifest', 'signatures'] });
  await prune('--keep-for', '4w', '--remove');
  expect(await left()).toEqual([unfinished, fresh]);
  const whole = await chain([9]);
  await prune('--keep-for', '4w', '--remove');
  expect(await left()).toEqual([whole, fresh]);
});

describe('what is not duplicity’s', () => {
  test('a foreign file stays, the status says that something due is left', async () => {
    const old = await chain([60]);
    await put(`${old}/notes.txt`, 60);
    await put(`${old}/duplicity-full.copy`, 60);
    await chain([40]);
    const { exitCode, stderr } = await prune('--keep-for', '4w', '--remove');
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${old} could not be removed: it holds what is not duplicity's`);
    expect((await readdir(join(root, 'shop/agama', old))).toSorted()).toEqual(['duplicity-full.copy', 'notes.txt']);
  });

  test('a symbolic link is not followed', async () => {
    const outside = await makeDirectory();
    try {
      const name = `duplicity-full.${stampOf(60)}.vol1.difftar.gpg`;
      await writeFile(join(outside.path, name), 'x');
      await chain([40]);
      await symlink(outside.path, join(root, 'shop/agama', `chain-${stampOf(60)}`));
      await symlink(outside.path, join(root, 'linked'));
      await symlink(join(root, 'shop/agama'), join(root, 'shop/other'));
      const { exitCode } = await prune('--keep-for', '1s', '--remove');
      expect({ exitCode, outside: await readdir(outside.path) }).toEqual({ exitCode: 0, outside: [name] });
    } finally {
      await outside.remove();
    }
  });

  test('other directories are left alone', async () => {
    await chain([60]);
    await chain([40]);
    await put('not-a-chain/duplicity-full.20200101T000000Z.vol1.difftar.gpg', 600);
    await put('holdfast-owner.json', 600);
    await prune('--keep-for', '4w', '--remove');
    expect((await readdir(join(root, 'shop/agama'))).toSorted()).toEqual([
      `chain-${stampOf(40)}`,
      'holdfast-owner.json',
      'holdfast-pruned.json',
      'not-a-chain',
    ]);
  });
});

test.each([
  { reason: 'a path without a chain is no success', args: ['--keep-for', '4w'], status: 1, says: 'there is no chain' },
  { reason: 'by number alone', args: ['--keep-chains', '2'], status: 2, says: '--keep-for' },
  { reason: 'a duration that is none', args: ['--keep-for', '4 weeks'], status: 2, says: 'not a duration' },
  { reason: 'no duration', args: ['--keep-for', ''], status: 2, says: 'not a duration' },
  { reason: 'a half option', args: ['--keep-for', '4w', '--rem'], status: 2, says: 'unrecognized' },
  {
    reason: 'no chains at all',
    args: ['--keep-for', '4w', '--keep-chains', '0'],
    status: 2,
    says: 'not a whole number',
  },
])('$reason', async ({ args, status, says }) => {
  const { exitCode, stderr } = await prune(...args);
  expect({ exitCode, stderr }).toEqual({ exitCode: status, stderr: expect.stringContaining(says) });
});
