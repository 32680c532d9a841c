import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createProgress } from '../../cluster/progress.ts';
import { dropCaches } from '../data/caches.ts';
import { compileAgent } from '../data/holdfast.ts';
import { makePlace, type Place } from '../data/place.ts';
import { makePolicyRun } from '../verify/policy.ts';
import { ratiosOf, wayOf, type EngineFigures, type RestoreFigures } from './figures.ts';
import { stages, type RestoreStage, type StartStage } from './stages.ts';
import { makeByHandRestore, makeHoldfastRestore } from './ways.ts';

/**
 * What a restore in place costs: the commands used by hand beside the containers of Holdfast's pod, which also compare twice and set the
 * present data aside. See docs/performance.md.
 */

const progress = createProgress();

interface Settings {
  readonly megabytes: number;
  readonly databases: number;
}

interface Measured extends Settings {
  readonly place: Place;
  readonly agent: string;
}

/** Damages what is there, restores it, and makes sure that it is what it was. */
const restored = async <T>(stage: RestoreStage, expected: string, work: () => Promise<T>): Promise<T> => {
  await stage.damage();
  if ((await stage.content()) === expected) throw new Error('nothing was damaged');
  await stage.settle();
  await dropCaches();
  const result = await work();
  if ((await stage.content()) !== expected) throw new Error('what was restored is not what was backed up');
  return result;
};

const measure = async (name: string, start: StartStage, options: Measured): Promise<EngineFigures> => {
  const { place, agent, megabytes, databases } = options;
  const policy = await makePolicyRun(place, name, agent);
  const path = join(place.path, `${name}-source`);
  await mkdir(path);
  const stage = await progress.task(`${name}: filling a source of ${megabytes} MB`, () =>
    start({ place, megabytes, databases, secret: policy.secret, path }),
  );
  try {
    const byHand = await makeByHandRestore(place, name, stage);
    const holdfast = makeHoldfastRestore(policy, stage);
    await progress.task(`${name}: backing it up by hand`, byHand.backUp);
    await progress.task(`${name}: backing it up with Holdfast`, holdfast.backUp);
    const expected = await stage.content();
    const hand = await progress.task(`${name}: restoring it by hand`, () => restored(stage, expected, byHand.restore));
    const own = await progress.task(`${name}: restoring it with Holdfast`, () =>
      restored(stage, expected, holdfast.restore),
    );
    const { sourceBytes } = own.point;
    if (sourceBytes === undefined) throw new Error(`${name}: the size of the dump is not known`);
    const ways = {
      byHand: wayOf(hand.parts, hand.peakScratchMiB, sourceBytes),
      holdfast: wayOf(own.parts, own.peakScratchMiB, sourceBytes),
    };
    return {
      engine: name,
      databases: stage.databases,
      sourceBytes,
      objectsCompared: own.check.restore?.compared?.objects ?? 0,
      rowsCompared: own.check.restore?.compared?.rows ?? 0,
      ...ways,
      ratios: ratiosOf(ways.byHand, ways.holdfast),
    };
  } finally {
    await stage.stop();
    await policy.stop();
  }
};

const wholeNumber = (option: string, text: string, most: number): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new Error(`--${option} ${text}: give a whole number from 1 to ${most}`);
  return value;
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      megabytes: { type: 'string', default: '60' },
      databases: { type: 'string', default: '3' },
      engines: { type: 'string', default: Object.keys(stages).join(',') },
    },
  });
  const settings: Settings = {
    megabytes: wholeNumber('megabytes', values.megabytes, 100_000),
    databases: wholeNumber('databases', values.databases, 50),
  };
  const chosen = values.engines.split(',').map((name) => {
    const start = stages[name];
    if (start === undefined) throw new Error(`--engines: choose from ${Object.keys(stages).join(', ')}`);
    return { name, start };
  });
  const agent = await progress.task('Compiling the agent', compileAgent);
  const place = await makePlace();
  try {
    const engines: EngineFigures[] = [];
    for (const { name, start } of chosen) engines.push(await measure(name, start, { ...settings, place, agent }));
    const figures: RestoreFigures = { megabytes: settings.megabytes, engines };
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  } finally {
    await place.stop();
  }
};

await main();
