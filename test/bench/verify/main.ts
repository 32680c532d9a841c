import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createProgress } from '../../cluster/progress.ts';
import { dropCaches } from '../data/caches.ts';
import { roundedCost } from '../data/figures.ts';
import { compileAgent } from '../data/holdfast.ts';
import { bytesBelow } from '../data/measured.ts';
import { makePlace, type Place } from '../data/place.ts';
import { rounded } from '../operator/figures.ts';
import { engines, type StartEngine } from './engines.ts';
import { figuresOf, type EngineFigures, type VerifyFigures } from './figures.ts';
import { makePolicyRun } from './policy.ts';

/** What proving a backup costs: fetched from a backup host over SSH, loaded into a scratch server, compared. See docs/verification.md. */

const progress = createProgress();
const mebibyte = 1024 ** 2;

interface Measured {
  readonly place: Place;
  readonly agent: string;
  readonly megabytes: number;
}

const measure = async (
  name: string,
  start: StartEngine,
  { place, agent, megabytes }: Measured,
): Promise<EngineFigures> => {
  const policy = await makePolicyRun(place, name, agent);
  const path = join(place.path, `${name}-source`);
  await mkdir(path);
  const stage = await progress.task(`${name}: filling a source of ${megabytes} MB`, () =>
    start({ megabytes, secret: policy.secret, path }),
  );
  try {
    await progress.task(`${name}: backing it up`, () => policy.backUp(stage.source));
    await dropCaches();
    return await progress.task(`${name}: verifying it`, async () => {
      const { result, fetch, verify, fetchedBytes } = await policy.verify(stage.sandbox);
      const server = stage.serverDirectory === undefined ? 0 : await bytesBelow(stage.serverDirectory);
      if (result.verification === undefined) throw new Error(`${name}: ${JSON.stringify(result.failure)}`);
      return figuresOf(name, result.verification.latest, {
        fetch: roundedCost(fetch),
        verify: roundedCost(verify),
        serverPeakRssMiB: rounded(await stage.serverPeakRssMiB()),
        scratchMiB: rounded((fetchedBytes + server) / mebibyte),
      });
    });
  } finally {
    await stage.stop();
    await policy.stop();
  }
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      megabytes: { type: 'string', default: '200' },
      engines: { type: 'string', default: Object.keys(engines).join(',') },
    },
  });
  const megabytes = Number(values.megabytes);
  if (!Number.isInteger(megabytes) || megabytes < 1 || megabytes > 100_000)
    throw new Error('--megabytes: give a whole number from 1 to 100000');
  const agent = await progress.task('Compiling the agent', compileAgent);
  const place = await makePlace();
  try {
    const figures: EngineFigures[] = [];
    for (const name of values.engines.split(',')) {
      const start = engines[name];
      if (start === undefined) throw new Error(`--engines: choose from ${Object.keys(engines).join(', ')}`);
      figures.push(await measure(name, start, { place, agent, megabytes }));
    }
    process.stdout.write(`${JSON.stringify({ megabytes, engines: figures } satisfies VerifyFigures)}\n`);
  } finally {
    await place.stop();
  }
};

await main();
