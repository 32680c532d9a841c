import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { startMariadb, type MariadbServer } from '../../agent/support/mariadb.ts';
import { createProgress } from '../../cluster/progress.ts';
import { makeByHand } from './by-hand.ts';
import { dropCaches } from './caches.ts';
import { addedADay, database, fill, passDay, shapeFor, type Shape } from './database.ts';
import { ratiosOf, roundedCost, type BackupCost, type Cost, type DataFigures, type WayFigures } from './figures.ts';
import { compileAgent, makeHoldfast } from './holdfast.ts';
import { bytesBelow } from './measured.ts';
import { digestsBelow, makePlace, type Place, type Way, type WayName } from './place.ts';
import { makeRestic } from './restic.ts';

/** What a backup costs: the commands used by hand, Holdfast's agent and restic, side by side. See docs/performance.md. */

const progress = createProgress();
const names: readonly WayName[] = ['byHand', 'holdfast', 'restic'];

interface Settings {
  readonly megabytes: number;
  readonly days: number;
}

const wholeNumber = (option: string, text: string, least: number, most: number): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new Error(`--${option} ${text}: give a whole number from ${least} to ${most}`);
  return value;
};

const readSettings = (): Settings => {
  const { values } = parseArgs({
    options: { megabytes: { type: 'string', default: '1000' }, days: { type: 'string', default: '7' } },
  });
  return {
    megabytes: wholeNumber('megabytes', values.megabytes, 5, 100_000),
    days: wholeNumber('days', values.days, 2, 50),
  };
};

/** Copies a file to the host and nothing else. */
const copyAlone = (place: Place, file: string): Promise<Cost> =>
  place.run(join(place.path, 'copy'), [
    'rsync',
    '-e',
    `ssh -p ${place.port} ${place.sshOptions}`,
    file,
    `${place.user}@${place.host}:${place.onHost('copy')}`,
  ]);

interface Stage {
  readonly place: Place;
  readonly server: MariadbServer;
  readonly ways: Readonly<Record<WayName, Way>>;
  readonly shape: Shape;
}

type Expected = Map<string, Record<string, string>>;

const restore = async ({ place }: Stage, way: Way, name: WayName, day: number, expected: Expected): Promise<Cost> => {
  const target = join(place.path, 'restored');
  const home = join(place.path, 'r');
  await dropCaches();
  const cost = await way.restore(day, target, home);
  if (!isDeepStrictEqual(await digestsBelow(target), expected.get(`${name} ${day}`)))
    throw new Error(`what ${name} restored of day ${day} is not what was backed up`);
  await rm(target, { recursive: true });
  await rm(home, { recursive: true });
  return cost;
};

const roundedBackup = ({ day, dump, ship, sentBytes }: BackupCost): BackupCost => ({
  day,
  ...(dump && { dump: roundedCost(dump) }),
  ship: roundedCost(ship),
  sentBytes,
});

const measure = async (stage: Stage, { megabytes, days }: Settings): Promise<DataFigures> => {
  const { place, server, ways, shape } = stage;
  const expected: Expected = new Map();
  const backups: Record<WayName, BackupCost[]> = { byHand: [], holdfast: [], restic: [] };
  const dumpFile = join(ways.byHand.source(), `${database}.sql`);
  const last = days - 1;
  let copy: Cost | undefined;
  let first = 0;
  for (let day = 0; day < days; day += 1) {
    await progress.task(`Day ${day}`, async (detail) => {
      if (day > 0) await passDay(server, shape, day);
      for (const name of names) {
        detail(name);
        backups[name].push(await ways[name].backup(day));
        if (day === 0 || day === last) expected.set(`${name} ${day}`, await digestsBelow(ways[name].source()));
      }
      if (day > 0) return;
      copy = await copyAlone(place, dumpFile);
      first = (await stat(dumpFile)).size;
    });
  }
  const figuresOf = async (name: WayName): Promise<WayFigures> => ({
    backups: backups[name].map(roundedBackup),
    repositoryBytes: await bytesBelow(ways[name].stored),
    restores: await progress.task(`Restoring what ${name} stored`, async () => [
      { day: 0, cost: roundedCost(await restore(stage, ways[name], name, 0, expected)) },
      { day: last, cost: roundedCost(await restore(stage, ways[name], name, last, expected)) },
    ]),
  });
  const dumpBytes = { first, last: (await stat(dumpFile)).size };
  const figures = {
    byHand: await figuresOf('byHand'),
    holdfast: await figuresOf('holdfast'),
    restic: await figuresOf('restic'),
  };
  const [dump] = backups.byHand.map((backup) => backup.dump);
  if (dump === undefined || copy === undefined) throw new Error('nothing was measured');
  const added = addedADay(shape);
  const all = shape.customers + shape.orders;
  return {
    megabytes,
    days,
    dumpBytes,
    rows: { all, changedADay: Math.round(all / 100), addedADay: added.customers + added.orders },
    bounds: { dump: roundedCost(dump), copy: roundedCost(copy) },
    ratios: ratiosOf(figures),
    ...figures,
  };
};

const main = async (): Promise<void> => {
  const settings = readSettings();
  const agent = await progress.task('Compiling the agent', compileAgent);
  const shape = shapeFor(settings.megabytes);
  const server = await progress.task('Starting MariaDB', () =>
    startMariadb(['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=256M']),
  );
  try {
    const place = await makePlace();
    try {
      await progress.task(`Filling a database of ${settings.megabytes} MB`, () => fill(server, shape));
      const holdfast = await makeHoldfast(place, server, agent);
      try {
        const byHand = await makeByHand(place, server);
        const restic = await makeRestic(place, holdfast.source);
        const figures = await measure({ place, server, shape, ways: { byHand, holdfast, restic } }, settings);
        process.stdout.write(`${JSON.stringify(figures)}\n`);
      } finally {
        await holdfast.stop();
      }
    } finally {
      await place.stop();
    }
  } finally {
    await server.stop();
  }
};

await main();
