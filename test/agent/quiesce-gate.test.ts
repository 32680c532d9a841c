import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Gate } from '../../src/api/v1alpha1/gate.ts';
import { outcomeOf, startAgent, type RunningAgent } from './support/agent.ts';
import { startMariadb, type MariadbServer } from './support/mariadb.ts';
import { benchAccount, benchDatabase, makeMysqlBench, type MysqlBench } from './support/mysql-bench.ts';
import { waitFor } from './support/processes.ts';

// The dump container of a policy with quiesce.workloads. The operator's word is a file, which the test writes.

let server: MariadbServer;
let bench: MysqlBench;
let gateFile: string;

beforeAll(async () => {
  server = await startMariadb();
  await server.prepare({ database: benchDatabase, ...benchAccount });
});
afterAll(() => server?.stop());
beforeEach(async () => {
  bench = await makeMysqlBench(server);
  gateFile = join(bench.files.scratch, '..', 'quiesced');
});
afterEach(() => bench?.remove());

const tell = (gate: Gate | string): Promise<void> =>
  writeFile(gateFile, typeof gate === 'string' ? gate : JSON.stringify(gate));

const since = new Date().toISOString();
const held = (asOf: Date, from = since): Gate => ({ state: 'Held', since: from, asOf: asOf.toISOString() });
const inSeconds = (seconds: number): Date => new Date(Date.now() + seconds * 1000);

const taskWith = (waitSeconds: number, extra: object = {}) => ({
  ...bench.task(),
  quiesce: { by: 'Workloads', gate: gateFile, waitSeconds },
  ...extra,
});
const start = (waitSeconds: number): Promise<RunningAgent> => startAgent('dump', taskWith(waitSeconds));
const copies = (): Promise<string[]> => bench.copies().catch(() => []);
/** A file of the dump is there: its directory is made before the operator's word is read. */
const isDumping = (): Promise<void> =>
  waitFor('the dump', async () => {
    const [name] = await copies();
    return name !== undefined && (await readdir(join(bench.files.claim, 'copies', name))).length > 0;
  });

test('nothing is dumped before the operator says that all are down, nor counts before it says that they stayed so', async () => {
  const agent = await start(30);
  await tell('');
  await sleep(2500);
  expect((await copies()).filter((name) => !name.endsWith('.partial'))).toEqual([]);
  const opened = inSeconds(0);
  await tell(held(opened));
  await isDumping();
  await sleep(4000);
  // The dump has ended by now; what the operator said is from before.
  expect((await bench.copies()).join()).toMatch(/\.partial$/);
  await tell(held(inSeconds(6)));
  const end = await agent.end;
  expect(outcomeOf(end)).toBe('Succeeded');
  expect(end.result.newest.localCopy?.quiesced).toBe('Workloads');
  expect(Date.parse(end.result.newest.localCopy?.dataTime ?? '')).toBeGreaterThanOrEqual(opened.getTime() - 1000);
}, 60_000);

test.each([
  { reason: 'the operator says nothing', before: '', expected: 'Failed: QuiesceTimeout at Quiesce', after: undefined },
  {
    reason: 'what it says cannot be read',
    before: '{"state":"Held"}',
    expected: 'Failed: QuiesceTimeout at Quiesce',
    after: undefined,
  },
  {
    reason: 'it refuses',
    before: { state: 'Refused', message: 'There is no Deployment shop in the namespace.' } as const,
    expected: 'Failed: QuiesceFailed at Quiesce',
    after: undefined,
  },
  {
    reason: 'it is silent after the dump',
    before: held(new Date()),
    expected: 'Failed: QuiesceTimeout at Quiesce',
    after: undefined,
  },
  {
    reason: 'its last word is from before the end, by clocks that may be apart',
    before: held(new Date()),
    expected: 'Failed: QuiesceTimeout at Quiesce',
    after: () => held(inSeconds(1)),
  },
  {
    reason: 'the workloads were let go and stopped again meanwhile',
    before: held(new Date()),
    expected: 'Failed: QuiesceFailed at Quiesce',
    after: () => held(inSeconds(60), new Date(Date.parse(since) + 1000).toISOString()),
  },
  {
    reason: 'somebody started one of them meanwhile',
    before: held(new Date()),
    expected: 'Failed: QuiesceFailed at Quiesce',
    after: (): Gate => ({ state: 'Refused', message: 'Deployment shop was started by somebody else.' }),
  },
])(
  'no copy is made when $reason',
  async ({ before, after, expected }) => {
    await tell(before);
    const agent = await start(4);
    if (after !== undefined) {
      await isDumping();
      await tell(after());
    }
    const end = await agent.end;
    expect(outcomeOf(end)).toBe(expected);
    expect(await bench.copies()).toEqual([]);
  },
  40_000,
);

describe('whether a run has to dump is decided before anything is stopped', () => {
  const reuse = { schedule: '@every 1h', timeZone: 'Etc/UTC' };
  const full = () => taskWith(4, { kind: 'Full', reuse });

  test('no copy: a dump is needed', async () => {
    const agent = await startAgent('decide', full(), { jobName: 'full-1' });
    const { result } = await agent.end;
    expect(result).toMatchObject({ container: 'decide', outcome: 'Succeeded', dumps: true });
  });

  test('a copy that was quiesced: it is taken, and the dump container uses it without a word from the operator', async () => {
    await tell(held(inSeconds(60)));
    expect(outcomeOf(await (await start(10)).end)).toBe('Succeeded');
    await tell('');
    const decided = await (await startAgent('decide', full(), { jobName: 'full-1' })).end;
    expect(decided.result).toMatchObject({ outcome: 'Succeeded', dumps: false });
    const dumped = await (await startAgent('dump', full(), { jobName: 'full-1' })).end;
    expect(outcomeOf(dumped)).toBe('Succeeded');
    expect(dumped.result.made).toBeUndefined();
    expect((await bench.ledger()).copies).toMatchObject([{ takenBy: 'full-1', quiesced: 'Workloads' }]);
    // Another run finds it taken.
    const other = await (await startAgent('decide', full(), { jobName: 'full-2' })).end;
    expect(other.result.dumps).toBe(true);
  }, 40_000);

  test('a copy that was not quiesced is none for such a policy', async () => {
    expect(outcomeOf(await bench.dump())).toBe('Succeeded');
    const decided = await (await startAgent('decide', full(), { jobName: 'full-1' })).end;
    expect(decided.result.dumps).toBe(true);
  }, 40_000);
});
