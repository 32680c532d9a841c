import { execa } from 'execa';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { git, makeRepository, noise } from '../../agent/support/git-repository.ts';
import type { InfluxdbServer } from '../../agent/support/influxdb.ts';

/** The name of the InfluxDB database. */
export const influxDatabase = 'telegraf';

/** A point takes about so many bytes in a backup: measured, and only the size of the database hangs on it. */
const bytesAPoint = 8;
const pointsAtOnce = 20_000;
const hosts = 50;
const start = Date.UTC(2026, 9, 1) / 1000;

// Values that do not compress well, as those of real machines do not; computed, so that every run has the same.
const lineOf = (index: number): string => {
  const value = (index * 2_654_435_761) % 4_294_967_296;
  return `cpu,host=h${index % hosts} usage=${value / 42_949_672.96},count=${value}i ${(start + Math.floor(index / hosts) * 10) * 1e9 + (index % hosts)}`;
};

/** Makes a database whose backup has about so many megabytes; says how many points it wrote. */
export const fillInfluxdb = async (server: InfluxdbServer, megabytes: number): Promise<number> => {
  await server.query(`CREATE DATABASE ${influxDatabase}`);
  const points = Math.round((megabytes * 1e6) / bytesAPoint / 2);
  for (let from = 0; from < points; from += pointsAtOnce) {
    const count = Math.min(pointsAtOnce, points - from);
    await server.write(
      influxDatabase,
      Array.from({ length: count }, (_, index) => lineOf(from + index)),
    );
  }
  return points;
};

/** Makes a bare repository of about so many megabytes; `path` is a directory of its own. */
export const fillRepository = async (path: string, bare: string, megabytes: number): Promise<void> => {
  const tree = join(path, 'tree');
  await makeRepository(tree, { commits: 50 });
  const files = join(tree, 'files');
  await mkdir(files);
  for (let index = 0; index < megabytes; index += 1)
    await writeFile(join(files, `${index}.bin`), noise(`file ${index}`, 1e6));
  await git(tree, ['add', '--all']);
  await git(tree, ['commit', '--quiet', '--message', 'Files']);
  await execa('git', ['clone', '--quiet', '--mirror', tree, bare]);
};
