import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { handover } from '../../src/agent/fetch/handover.ts';
import { compactTime } from '../../src/agent/layout.ts';
import type { RestorePoint } from '../../src/api/v1alpha1/restore-report.ts';
import type { BringTask, FetchTask } from '../../src/api/v1alpha1/task.ts';
import { makeDirectory } from './support/directories.ts';
import { digests, makeBench, readDigests, type ResolveOptions } from './support/duplicity-bench.ts';
import { type GpgOwner, makeGpgOwner } from './support/duplicity-gpg.ts';
import { backupOf, makeRestoreBench, outcomeOf } from './support/restore-bench.ts';
import { madeBy } from './support/ship-outcomes.ts';
import { expectNothingLeft, flipBit, makeShippedBench, type ShippedBench } from './support/shipped-bench.ts';

// A cluster that takes the place of one that is lost: the same policy, repository and key, and a claim that is empty.

let home: Awaited<ReturnType<typeof makeDirectory>>;
let owner: GpgOwner;
let on: ShippedBench;
/** The times of the sets as they were shipped, oldest first. */
let times: string[];

const encryptionOf = async (bench: ShippedBench['bench']) =>
  ({ method: 'gpg', publicKey: await bench.secret('gpg', { 'public.asc': owner.publicKey }) }) as const;

beforeAll(async () => {
  home = await makeDirectory();
  owner = await makeGpgOwner(home.path, 'o');
  on = await makeShippedBench({ kinds: ['Full', 'Incremental', 'Full', 'Incremental'], encryption: encryptionOf });
  times = (await on.bench.ledger()).chains.flatMap(({ sets }) => sets.map(({ setTime }) => setTime));
}, 400_000);
afterAll(async () => {
  await owner.stop();
  await home.remove();
  await on.stop();
});
beforeEach(async () => {
  await on.reset();
  for (const name of await readdir(on.bench.claim)) await rm(join(on.bench.claim, name), { recursive: true });
});

const cluster = 'a-new-cluster';
const resolve = (options: ResolveOptions = {}) =>
  on.bench.resolve({ cluster, encryption: 'gpg', acceptUnrecorded: true, ...options });
const planned = async (options: ResolveOptions = {}): Promise<RestorePoint> => {
  const { result, log } = await resolve(options);
  const point = result.restore?.point;
  if (point === undefined) throw new Error(`not resolved: ${log}`);
  return point;
};
const decryption = async (key = owner): Promise<FetchTask['decryption']> => ({
  method: 'gpg',
  privateKey: await on.bench.secret('gpg-private', { 'private.asc': key.privateKey }),
});
const bring = async (set: BringTask['set']) => on.bench.bring({ set, cluster, decryption: await decryption() });
const beforeSet = (index: number): { by: 'Before'; time: string } => ({ by: 'Before', time: times[index] ?? '' });

test('without the word it is refused, which names the word and what is there', async () => {
  const { result } = await resolve({ acceptUnrecorded: false });
  expect(result.failure).toMatchObject({ step: 'Resolve', reason: 'PointNotAvailable' });
  expect(result.failure?.message).toContain(
    `Whole sets in the repository that no ledger records: 4, of ${times[0]} to ${times[3]}. The newest that fits is of ${times[3]} in ${on.chains[1]}. With acceptUnrecorded: true`,
  );
  expect(result.restore?.point).toBeUndefined();
});

test('the newest, and one in the middle: brought, as they were; nothing there is changed, and no ledger takes them over', async () => {
  const listing = await readDigests(on.bench.repository);
  const latest = await planned();
  expect(latest).toMatchObject({
    set: { type: 'Incremental', setTime: times[3], dataTime: times[3], chain: on.chains[1], unrecorded: true },
    sets: 2,
    unrecorded: expect.stringMatching(/has the public key could have made it.* of the cluster a-cluster\.$/),
    earliest: times[0],
    latest: times[3],
  });
  for (const [index, point] of [
    [3, latest],
    [0, await planned({ point: beforeSet(1) })],
  ] as const) {
    expect(point.set.setTime).toBe(times[index]);
    const { result } = await bring(point.set);
    expect([result.outcome, result.failure]).toEqual(['Succeeded', undefined]);
    expect(await readDigests(join(on.bench.fetched, 'latest'))).toEqual(digests(on.copies[index] ?? {}));
    const { latest: given } = handover.parse(
      JSON.parse(await readFile(join(on.bench.fetched, 'fetched.json'), 'utf8')),
    );
    expect(given.set).toEqual(point.set);
    expect(given.checks.complete.evidence).not.toContain('recorded');
  }
  expect(await readDigests(on.bench.repository)).toEqual(listing);
  expect((await on.bench.ledger()).chains).toEqual([]);
}, 240_000);

test('before the first of them, and the directory of another policy', async () => {
  const early = await resolve({ point: beforeSet(0) });
  expect(early.result.failure?.message).toContain(`The earliest is ${times[0]}, the latest ${times[3]}.`);
  const marker = { cluster: 'a-cluster', namespace: 'shop', name: 'other' };
  await writeFile(join(on.bench.repository, 'holdfast-owner.json'), JSON.stringify(marker));
  expect((await resolve()).result.failure?.reason).toBe('RepositoryOwnedByAnother');
  await rm(join(on.bench.repository, 'holdfast-owner.json'));
  expect((await resolve()).result.failure?.reason).toBe('RepositoryOwnedByAnother');
});

test('a ledger that was put back to an older state: the sets after it are found at the end of the chain that it records', async () => {
  await on.reset();
  const ledger = await on.bench.ledger();
  const chains = ledger.chains.map((each, index) => (index === 1 ? { ...each, sets: each.sets.slice(0, 1) } : each));
  await writeFile(join(on.bench.claim, 'ledger.json'), JSON.stringify({ ...ledger, chains }));
  const without = await on.bench.resolve({ encryption: 'gpg' });
  expect(without.result.restore?.point?.set).toMatchObject({ setTime: times[2] });
  expect(without.result.notes).toMatchObject([
    {
      message: expect.stringContaining(`no ledger records: 1, of ${times[3]}. The newest that fits is of ${times[3]}`),
    },
  ]);
  const { result } = await on.bench.resolve({ encryption: 'gpg', acceptUnrecorded: true });
  const set = result.restore?.point?.set;
  if (set === undefined) throw new Error(`not resolved: ${JSON.stringify(result)}`);
  expect(set).toMatchObject({ type: 'Incremental', setTime: times[3], chain: on.chains[1], unrecorded: true });
  const brought = await on.bench.bring({ set, decryption: await decryption() });
  expect([brought.result.outcome, brought.result.failure]).toEqual(['Succeeded', undefined]);
  expect(await readDigests(join(on.bench.fetched, 'latest'))).toEqual(digests(on.copies[3] ?? {}));
}, 90_000);

describe('what is not whole', () => {
  test('a volume is missing: named; the set before it is taken', async () => {
    await rm(await on.file('-inc.', 1));
    const { result } = await resolve();
    expect(result.restore?.point?.set).toMatchObject({ type: 'Full', setTime: times[2] });
    expect(result.notes[0]).toMatchObject({
      reason: 'SetPassedOver',
      message: expect.stringMatching(
        new RegExp(
          `The set of ${times[3]} in ${on.chains[1]}, which no ledger records, is not whole: it has no volume`,
        ),
      ),
    });
  });

  test('the last volume of a full is missing, which no listing tells: its manifest does', async () => {
    await rm(await on.file('-full.', -1));
    const { set } = await planned({ point: beforeSet(3) });
    expect(set).toMatchObject({ type: 'Full', setTime: times[2] });
    const { result } = await bring(set);
    expect(result.failure).toMatchObject({
      reason: 'BackupDamaged',
      message: expect.stringMatching(/volume 2 of 2 is missing/),
    });
    await expectNothingLeft(on.bench);
  }, 240_000);

  test('an upload that was cut short: the set before it comes back', async () => {
    await rm(await on.file('.manifest', 1));
    const { set } = await planned();
    expect(set.setTime).toBe(times[2]);
    const { result } = await bring(set);
    expect([result.outcome, result.failure]).toEqual(['Succeeded', undefined]);
    expect(await readDigests(join(on.bench.fetched, 'latest'))).toEqual(digests(on.copies[2] ?? {}));
  }, 240_000);

  test('not encrypted as the policy says', async () => {
    const { result } = await resolve({ encryption: 'none' });
    expect(result.failure?.message).toMatch(/is encrypted, and the policy does not encrypt/);
  });
});

describe('what is not as it was planned', () => {
  const failureOf = async (set: BringTask['set']): Promise<unknown[]> => {
    const { result } = await bring(set);
    await expectNothingLeft(on.bench);
    return [result.restore?.state, result.failure?.reason, result.failure?.message];
  };
  const gpg = async (...args: string[]): Promise<void> => {
    await execa('gpg', ['--homedir', owner.home, '--batch', '--yes', '--trust-model=always', ...args]);
  };

  test('the manifest was encrypted anew, with what it was: it is another file', async () => {
    const { set } = await planned();
    const path = await on.file('-inc.', 0);
    expect(path).toContain('manifest');
    const plain = join(home.path, 'manifest');
    await gpg('--output', plain, '--decrypt', path);
    const { size } = await stat(path);
    // Of the same size as well, or it would be told by that.
    for (let tries = 0; tries < 50; tries += 1) {
      await gpg('--recipient', owner.fingerprint, '--compress-level=1', '--output', path, '--encrypt', plain);
      if ((await stat(path)).size === size) break;
    }
    expect(await failureOf(set)).toEqual([
      'Untouched',
      'PointNotAvailable',
      expect.stringMatching(/which no ledger records, is no longer there as it was planned: its files are others now/),
    ]);
  }, 240_000);

  test.each([
    {
      reason: 'a volume of the full it builds on, by a bit',
      part: '-full.',
      index: 1,
      says: /is not what was stored|cannot be decrypted/,
    },
    {
      reason: 'a volume of its own, by a bit',
      part: '-inc.',
      index: 1,
      says: /is not what was stored|cannot be decrypted/,
    },
  ])(
    '$reason',
    async ({ part, index, says }) => {
      const { set } = await planned();
      const path = await on.file(part, index);
      expect(path).toContain('.vol');
      await flipBit(path, -30);
      expect(await failureOf(set)).toEqual(['Untouched', 'BackupDamaged', expect.stringMatching(says)]);
    },
    240_000,
  );

  test('a set more in its chain does not matter, a file more in the set does', async () => {
    const { set } = await planned({ point: beforeSet(3) });
    const path = await on.file('.vol1.', 0);
    await cp(path, path.replace('.vol1.', '.vol3.'));
    expect(await failureOf(set)).toEqual([
      'Untouched',
      'PointNotAvailable',
      expect.stringMatching(/is no longer there/),
    ]);
  }, 240_000);

  test('another private key', async () => {
    const other = await makeGpgOwner(home.path, 'p');
    await other.stop();
    const { set } = await planned();
    const { result } = await on.bench.bring({ set, cluster, decryption: await decryption(other) });
    expect(result.failure?.reason).toBe('KeyDoesNotOpen');
  }, 240_000);
});

test('a chain that somebody made who has the public key: shown as what it is, loaded at most, never proven', async () => {
  const attacker = await makeBench(on.repository);
  try {
    await attacker.addCopy(backupOf({ a: 'evil' }, { dataTime: '2026-01-01T01:00:03Z' }));
    expect(madeBy(await attacker.ship({ encryption: await encryptionOf(attacker) }))).toEqual(['Full']);
    const [chain = ''] = await attacker.chains();
    await cp(join(attacker.repository, chain), join(on.bench.repository, chain), { recursive: true });
    const point = await planned();
    expect(point).toMatchObject({
      set: { chain, unrecorded: true },
      unrecorded: expect.stringContaining('could have made it'),
    });
    expect((await bring(point.set)).result.failure).toBeUndefined();
    const restore = await makeRestoreBench({ claim: on.bench.claim, fetched: on.bench.fetched });
    try {
      const loaded = await restore.run('load', { set: point.set });
      expect(outcomeOf(loaded)).toEqual(['Succeeded', 'Untouched']);
      expect(loaded.result.restore?.compared).not.toHaveProperty('factsDigest');
      expect(loaded.result.notes).toMatchObject([
        { reason: 'FactsUnknown', message: expect.stringMatching(/No ledger records the set, so nothing witnesses/) },
      ]);
    } finally {
      await restore.remove();
    }
    // Where a ledger records a set, and nobody accepts another, it is not asked.
    await on.reset();
    await cp(join(attacker.repository, chain), join(on.bench.repository, chain), { recursive: true });
    const { result } = await on.bench.resolve({ encryption: 'gpg' });
    expect(result.restore?.point?.set).toMatchObject({ chain: on.chains[1], setTime: times[3] });
    expect(result.restore?.point?.set).not.toHaveProperty('unrecorded');
  } finally {
    await attacker.remove();
  }
}, 240_000);

test('a chain under the name of a time before its data: found out when it is opened', async () => {
  const stamp = (time: string): string => compactTime(new Date(time));
  const [early, chain = ''] = [stamp('2025-12-31T00:00:00Z'), on.chains[0]];
  const directory = join(on.bench.repository, `chain-${early}`);
  await mkdir(directory);
  for (const name of await readdir(join(on.bench.repository, chain)))
    if (name.includes('full'))
      await cp(join(on.bench.repository, chain, name), join(directory, name.replace(stamp(times[0] ?? ''), early)));
  const { set } = await planned({ point: { by: 'Before', time: '2026-01-01T00:00:00Z' } });
  const { result } = await bring(set);
  expect(result.failure).toMatchObject({
    reason: 'BackupDamaged',
    message: expect.stringMatching(/facts\.json is of 2026-01-01T01:00:03Z; the set is of 2025-12-31T00:00:00Z/),
  });
}, 240_000);
