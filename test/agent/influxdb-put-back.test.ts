import { appendFile, cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { outcomeOf } from './support/agent.ts';
import { makeDirectory } from './support/directories.ts';
import { change, dropDatabases, startInfluxdb, type InfluxdbServer } from './support/influxdb.ts';
import { benchDatabase, makeInfluxdbBench } from './support/influxdb-bench.ts';
import {
  failureOf,
  killSwap,
  makeRestoreBench,
  puttingBack,
  startSwap,
  type RestoreBench,
} from './support/engine-restore-bench.ts';
import { ago, everythingIn, prepareSample } from './support/sample-influxdb.ts';

const database = benchDatabase;
const minutes = 240_000;
const from = { id: '0a1b2c3d', count: 1 };

let server: InfluxdbServer;
let place: Awaited<ReturnType<typeof makeDirectory>>;
let bench: RestoreBench;
let directory: string;
/** What the database held before it was restored, and after. */
let before: Record<string, string>;
let restored: Record<string, string>;
const backup = (): string => join(place.path, 'backup');
const target = () => ({
  influxdb: { host: server.host, httpPort: server.httpPort, rpcPort: server.rpcPort, database },
});

beforeAll(async () => {
  server = await startInfluxdb();
  place = await makeDirectory();
  await prepareSample(server, database);
  const dumps = await makeInfluxdbBench(server);
  const end = await dumps.dump();
  if (outcomeOf(end) !== 'Succeeded') throw new Error(end.log);
  await cp(await dumps.newest(), backup(), { recursive: true });
  await dumps.remove();
}, minutes);
afterAll(async () => {
  await server?.stop();
  await place?.remove();
});
beforeEach(async () => {
  bench = await makeRestoreBench();
  await dropDatabases(server);
  await server.restore(backup(), database);
  await change(server, database, 'DROP MEASUREMENT flags');
  await server.write(database, [`later v=1 ${ago(400)}`], 'autogen');
  before = await everythingIn(server, database);
  await bench.restore({ target: target() }).whole(await bench.lay(backup()));
  restored = await everythingIn(server, database);
  directory = await bench.copyDirectory();
}, minutes);
afterEach(() => bench.remove());

test(
  'what a restore set aside is put back, the same; and what that replaced is set aside in its turn',
  async () => {
    expect(restored).not.toEqual(before);
    const second = bench.restore({ target: target(), id: 'ffff0000', from });
    expect(await puttingBack(second.engine, from).look(second.context, backup())).toMatchObject({
      found: { present: true, missingCount: 0 },
      copy: { objects: expect.any(Number), rows: expect.any(Number) },
    });
    await second.whole(directory);
    expect(await everythingIn(server, database)).toEqual(before);
    await bench.restore({ target: target(), id: 'eeee0000', from: { id: 'ffff0000', count: 1 } }).whole(directory);
    expect(await everythingIn(server, database)).toEqual(restored);
    for (const id of [from.id, 'ffff0000', 'eeee0000']) {
      const { engine, context } = bench.restore({ target: target(), id });
      await engine.discardSafetyCopy(context);
      await engine.discardLoaded(context);
    }
    expect((await bench.left()).filter((name) => name.startsWith('safety/'))).toEqual([]);
    expect(await everythingIn(server, database)).toEqual(restored);
  },
  minutes,
);

const copied = (name: string): string => join(bench.claim, 'safety', from.id, name);

test.each<{ reason: string; damage: () => Promise<unknown>; why: RegExp }>([
  { reason: 'it was discarded', damage: () => rm(copied(''), { recursive: true }), why: /was discarded/ },
  { reason: 'its files are gone', damage: () => rm(copied('copy'), { recursive: true }), why: /is not whole/ },
  {
    reason: 'its facts are others',
    damage: () => appendFile(copied('copy/facts.json'), ' '),
    why: /is not what was written then/,
  },
])(
  'is refused, and nothing is touched: $reason',
  async ({ damage, why }) => {
    await damage();
    const { engine, context } = bench.restore({ target: target(), id: 'ffff0000', from });
    const back = puttingBack(engine, from);
    for (const work of [() => back.look(context, undefined), () => back.load(context, directory)]) {
      const failure = await failureOf(work());
      expect(failure).toMatch(/^SafetyCopyUnavailable: /);
      expect(failure).toMatch(why);
    }
    expect(await everythingIn(server, database)).toEqual(restored);
  },
  minutes,
);

test.each<{ after: 'Start' | 'Told'; ms: number }>([
  { after: 'Start', ms: 900 },
  { after: 'Told', ms: 0 },
  { after: 'Told', ms: 150 },
  { after: 'Told', ms: 400 },
])(
  'killed $ms ms after it $after: there is the one or the other, and the copy is put back by the next',
  async (moment) => {
    const options = { target: target(), id: 'ffff0000', from };
    const second = bench.restore(options);
    await second.parts.load(second.context, directory);
    const swap = startSwap(bench, options, directory);
    await killSwap(swap, moment);
    expect((await swap.end).output).toMatch(/^begins/);
    const third = bench.restore({ target: target(), id: 'eeee0000', from });
    await third.engine.recover(third.context);
    expect([before, restored]).toContainEqual(await everythingIn(server, database));
    await third.whole(directory);
    expect(await everythingIn(server, database)).toEqual(before);
    await second.engine.discardLoaded(second.context);
  },
  minutes,
);
