import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { handover } from '../../src/agent/fetch/handover.ts';
import type { FetchTask, ShipTask } from '../../src/api/v1alpha1/task.ts';
import { benchForEach } from './support/bench-for-each.ts';
import { makeDirectory } from './support/directories.ts';
import { digests, type Files, readDigests } from './support/duplicity-bench.ts';
import { type GpgOwner, makeGpgOwner } from './support/duplicity-gpg.ts';
import { processesOf } from './support/processes.ts';
import { repositoryKinds } from './support/repositories.ts';
import { madeBy } from './support/ship-outcomes.ts';

// What fetching promises of every kind of repository, and of every kind of encryption.

const words = 'correct horse "battery" $taple';
let home: Awaited<ReturnType<typeof makeDirectory>>;
let owner: GpgOwner;
let guarded: GpgOwner;

beforeAll(async () => {
  home = await makeDirectory();
  owner = await makeGpgOwner(home.path, 'o');
  guarded = await makeGpgOwner(home.path, 'g', { passphrase: words });
}, 120_000);

afterAll(async () => {
  await owner.stop();
  await guarded.stop();
  await home.remove();
});

/** A dump of about 1.3 MB, so of two volumes, that changes a little from day to day. */
const base = randomBytes(1_300_000);
const day = (number: number): Files => ({
  'agama/agama.sql': Buffer.concat([base, Buffer.from(`-- day ${number}\n`.repeat(number * 50))]),
  'facts.json': Buffer.from(JSON.stringify({ dataTime: `2026-01-0${number}T01:00:03Z`, day: number })),
});

describe.each(repositoryKinds)('a repository by $kind', ({ start }) => {
  const on = benchForEach(start);

  const keysOf = async (
    method: 'gpg' | 'guarded' | 'passphrase' | 'none',
  ): Promise<{ encryption: ShipTask['encryption']; decryption: FetchTask['decryption'] }> => {
    if (method === 'none') return { encryption: { method }, decryption: { method } };
    if (method === 'passphrase') {
      const passphrase = await on.bench.secret('passphrase', { password: `${words}\n` });
      return { encryption: { method, passphrase }, decryption: { method, passphrase } };
    }
    const { publicKey, privateKey } = method === 'gpg' ? owner : guarded;
    const keys = { 'private.asc': privateKey, ...(method === 'guarded' && { passphrase: `${words}\n` }) };
    return {
      encryption: { method: 'gpg', publicKey: await on.bench.secret('gpg-public', { 'public.asc': publicKey }) },
      decryption: { method: 'gpg', privateKey: await on.bench.secret('gpg-private', keys) },
    };
  };

  test.each([
    { method: 'gpg', reason: 'with the private key' },
    { method: 'guarded', reason: 'with a private key that has a passphrase' },
    { method: 'passphrase', reason: 'with a passphrase' },
    { method: 'none', reason: 'in the clear' },
  ] as const)(
    '$method: the newest of three sets is fetched whole ($reason)',
    async ({ method }) => {
      const { encryption, decryption } = await keysOf(method);
      for (const number of [1, 2, 3]) {
        await on.bench.addCopy(day(number));
        const kind = number === 1 ? 'Full' : 'Incremental';
        expect(madeBy(await on.bench.ship({ kind, encryption }))).toEqual([kind]);
      }
      const run = await on.bench.fetch({ decryption });
      expect([run.exitCode, run.result.outcome, run.result.failure, run.result.verification]).toEqual([
        0,
        'Succeeded',
        undefined,
        undefined,
      ]);
      const given = handover.parse(JSON.parse(await readFile(join(on.bench.fetched, 'fetched.json'), 'utf8')));
      const set = (await on.bench.ledger()).chains[0]?.sets.at(-1);
      expect(given.older).toBeUndefined();
      expect(given.latest.set).toEqual({
        type: 'Incremental',
        setTime: set?.setTime,
        dataTime: '2026-01-03T01:00:03Z',
        chain: (await on.bench.chains())[0],
        setDigest: set?.setDigest,
        factsDigest: set?.factsDigest,
      });
      expect(Object.values(given.latest.checks).map(({ outcome }) => outcome)).toEqual(['Passed', 'Passed', 'Passed']);
      for (const { evidence } of Object.values(given.latest.checks)) expect(evidence.length).toBeLessThanOrEqual(160);
      expect(await readDigests(given.latest.directory)).toEqual(digests(day(3)));
      // Nothing is left but what is handed over; nothing of a secret was said.
      expect((await readdir(on.bench.fetched)).toSorted()).toEqual(['fetched.json', 'latest']);
      expect(await readdir(on.bench.scratch)).toEqual([]);
      expect(await processesOf(on.bench.scratch)).toEqual([]);
      expect(run.log).not.toContain(words);
      expect(run.log).not.toContain('PRIVATE KEY');
      expect((await on.bench.ledger()).runs.map(({ kind }) => kind)).not.toContain('Verify');
    },
    120_000,
  );
});
