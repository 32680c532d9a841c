import { dropsOver } from '../../src/agent/engines/influxdb/restore/drops.ts';
import { createServer } from '../../src/agent/engines/influxdb/server.ts';
import { identifier } from '../../src/agent/engines/influxdb/statements.ts';
import { change } from './support/influxdb.ts';
import { benchDatabase } from './support/influxdb-bench.ts';
import { influxdbRestoresForEach } from './support/influxdb-restores.ts';
import { killSwap, startSwap } from './support/engine-restore-bench.ts';
import { waitFor } from './support/processes.ts';
import { ago, everythingIn, prepareSample } from './support/sample-influxdb.ts';

// A lost node while a database is replaced: afterwards there is the old data or the new, by all that InfluxQL gives, never a mixture.

const database = benchDatabase;
const minutes = 240_000;

const on = influxdbRestoresForEach((server) => prepareSample(server, database));

const moments = [
  ...[300, 900, 1500].map((ms) => ({ after: 'Start' as const, ms })),
  ...[0, 30, 80, 150, 250, 400, 700].map((ms) => ({ after: 'Told' as const, ms })),
];

const later = `later v=1 ${ago(90)}`;
let damaged: Record<string, string> | undefined;

const seen = new Set<string>();

test.each([true, false].flatMap((present) => moments.map((moment) => ({ ...moment, present }))))(
  'a restore that is killed $ms ms after it $after, present data: $present',
  async ({ present, ...moment }) => {
    const { server, bench, backup, directory, target, expected } = on;
    if (present) {
      await server.restore(backup, database);
      await change(server, database, 'DROP MEASUREMENT flags');
      await server.write(database, [later], 'autogen');
    }
    // It is the same each time, and asked for once.
    damaged ??= present ? await everythingIn(server, database) : undefined;
    const old = present ? damaged : undefined;
    const first = bench.restore({ target });
    await first.engine.load(first.context, directory);
    const swap = startSwap(bench, { target }, directory);
    const killed = await killSwap(swap, moment);
    const { output } = await swap.end;
    expect(output).toMatch(/^begins/);

    const next = bench.restore({ target, id: 'ffff0000' });
    const words = await next.engine.recover(next.context);
    const names = (await server.query('SHOW DATABASES')).flatMap(({ values = [] }) => values.map(([name]) => name));
    const now = names.includes(database) ? await everythingIn(server, database) : undefined;
    const state = JSON.stringify(now) === JSON.stringify(old) ? 'old' : 'new';
    seen.add(`${state}${words === undefined ? '' : ', put back'}`);
    // Never what is neither; and new when that was said, as it is by one that came to its end.
    expect(now).toEqual(state === 'new' ? expected : old);
    expect(killed ? 'killed' : output).toMatch(/^killed$|told Replaced\ndone\n$/);
    expect(output.includes('told Replaced') ? state : 'new').toBe('new');
    // What was loaded for the killed one is its own to remove, as is what it set aside.
    await next.whole(directory);
    expect(await everythingIn(server, database)).toEqual(expected);
    for (const { engine, context } of [first, next]) {
      await engine.discardLoaded(context);
      await engine.discardSafetyCopy(context);
    }
    expect((await bench.left()).filter((name) => name.startsWith('safety/'))).toEqual([]);
    expect(await server.query('SHOW DATABASES')).toMatchObject([{ values: [[database]] }]);
  },
  minutes,
);

test('the moments above were before, in the middle and after', () => {
  expect([...seen].toSorted()).toEqual(expect.arrayContaining(['old', 'old, put back']));
});

test('a drop whose sender was killed goes on in the server, and is waited for', async () => {
  const { server, bench, target } = on;
  // As many shards as make a drop slow; and a name that the server writes in quotes.
  for (const name of [database, 'a "b']) {
    await server.query(`CREATE DATABASE ${identifier(name)}`);
    const points = Array.from({ length: 400 }, (_unused, week) => `old v=1 ${ago(week * 7 * 86_400)}`);
    await server.write(name, points, 'autogen');
    const sender = new AbortController();
    const body = new URLSearchParams({ q: `DROP DATABASE ${identifier(name)}` });
    const { host, httpPort: port } = server;
    const sent = fetch(`http://${host}:${port}/query`, { method: 'POST', body, signal: sender.signal });
    const isIn = async (statement: string, words: string): Promise<boolean> =>
      JSON.stringify(await server.query(statement)).includes(words);
    const isThere = (): Promise<boolean> => isIn('SHOW DATABASES', JSON.stringify(name));
    await waitFor('the drop', async () => (await isIn('SHOW QUERIES', 'DROP')) || !(await isThere()));
    sender.abort();
    await sent.catch(() => undefined);
    await dropsOver(bench.restore({ target }).context, createServer({ host, port }), name);
    expect(await isThere()).toBe(false);
  }
}, 60_000);
