import { randomBytes } from 'node:crypto';
import { readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { handover } from '../../src/agent/fetch/handover.ts';
import type { FetchTask } from '../../src/api/v1alpha1/task.ts';
import { makeDirectory } from './support/directories.ts';
import { type GpgOwner, makeGpgOwner } from './support/duplicity-gpg.ts';
import { madeBy } from './support/ship-outcomes.ts';
import { expectNothingLeft, flipBit, makeShippedBench, type ShippedBench } from './support/shipped-bench.ts';
import { notVerified, verificationOf } from './support/verification.ts';

// Every fault is set into a copy of one repository, encrypted to a key: an older chain of a full, and a chain of a full with two
// incrementals. The next verification says so, always; and what it found is remembered of the chain.

let home: Awaited<ReturnType<typeof makeDirectory>>;
let owner: GpgOwner;
let on: ShippedBench;
let olderChain: string;
let decryption: FetchTask['decryption'];

beforeAll(async () => {
  home = await makeDirectory();
  owner = await makeGpgOwner(home.path, 'o');
  on = await makeShippedBench({
    kinds: ['Full', 'Full', 'Incremental', 'Incremental'],
    encryption: async (bench) => ({
      method: 'gpg',
      publicKey: await bench.secret('gpg-public', { 'public.asc': owner.publicKey }),
    }),
  });
  decryption = { method: 'gpg', privateKey: await on.bench.secret('gpg', { 'private.asc': owner.privateKey }) };
  [olderChain = ''] = on.chains;
}, 400_000);

afterAll(async () => {
  await on.stop();
  await owner.stop();
  await home.remove();
});

beforeEach(() => on.reset());

/** Puts the content of one file into the place of another, of the other's size or of its own. */
const replace = async (path: string, by: string, size: 'of its own' | 'as recorded'): Promise<void> => {
  const content = await readFile(by);
  const { length } = await readFile(path);
  await writeFile(
    path,
    size === 'of its own' ? content : Buffer.concat([content, randomBytes(length)]).subarray(0, length),
  );
};

/** A manifest that names another hash, encrypted to the same key as whoever has the pod's public key can, and of the very size. */
const forgeManifest = async (path: string): Promise<void> => {
  const { size } = await stat(path);
  const gpg = (args: readonly string[], input?: string) =>
    execa('gpg', ['--homedir', owner.home, '--batch', '--no-tty', ...args], {
      ...(input !== undefined && { input }),
      encoding: 'buffer',
      stderr: 'ignore',
    });
  const decrypted = await gpg(['--decrypt', path]);
  const plain = Buffer.from(decrypted.stdout).toString('utf8');
  // What is compressed of it is a few bytes more or less each time: a longer file name within adds some, zeros in the hash take some away.
  const sizes = [
    ...Array.from({ length: 16 }, (_, length) => ({ filename: 'qzxjkvbwpygfmudh'.slice(0, length), zeros: 0 })),
    ...Array.from({ length: 20 }, (_, index) => ({ filename: '', zeros: index + 1 })),
  ];
  // Each is tried with other hashes: where one skips a size another meets it.
  for (const { filename, zeros } of Array.from({ length: 12 }, () => sizes).flat()) {
    const hash = `${'0'.repeat(zeros)}${randomBytes(20).toString('hex').slice(zeros)}`;
    const forged = plain.replace(/(Hash SHA1 )[0-9a-f]{40}/, `$1${hash}`);
    const named = filename === '' ? [] : ['--set-filename', filename];
    const options = ['--trust-model=always', '--compress-level=1', ...named, '--recipient', owner.fingerprint];
    const { stdout } = await gpg([...options, '--encrypt'], forged);
    if (stdout.length !== size) continue;
    await writeFile(path, stdout);
    return;
  }
  throw new Error('no forged manifest has the size of the real one');
};

const unreadable = ['Unknown', 'Failed', 'Unknown'] as const;
const incomplete = ['Unknown', 'Unknown', 'Failed'] as const;

describe('what is stored was changed', () => {
  test.each([
    {
      reason: 'a byte of a volume of the full',
      spoil: async () => flipBit(await on.file('.vol2.'), 100_000),
      checks: unreadable,
      says: /vol2.* is not what was stored/,
    },
    {
      reason: 'a byte of the volume of an incremental, on which duplicity itself never ends',
      spoil: async () => flipBit(await on.file('-inc.', 1), 9000),
      checks: unreadable,
      says: /-inc.*vol1.* is not what was stored/,
    },
    {
      reason: 'a byte in the middle of signatures',
      spoil: async () => flipBit(await on.file('-full-signatures'), 5000),
      checks: unreadable,
      says: /signatures.* cannot be decrypted, although/,
    },
    {
      reason: 'a byte of the key packet of signatures',
      spoil: async () => flipBit(await on.file('-new-signatures'), 10),
      checks: unreadable,
      says: /signatures.* cannot be decrypted, although/,
    },
    {
      reason: 'a byte of a manifest',
      spoil: async () => flipBit(await on.file('manifest', -1), -20),
      checks: unreadable,
      says: /manifest.* cannot be decrypted, although/,
    },
    {
      reason: 'a byte of the key packet of a manifest',
      spoil: async () => flipBit(await on.file('manifest', -1), 10),
      checks: unreadable,
      says: /manifest.* cannot be decrypted, although/,
    },
    {
      reason: 'a manifest forged for the same key, of the same size',
      spoil: async () => forgeManifest(await on.file('manifest', -1)),
      checks: incomplete,
      says: /not the manifest that was recorded/,
    },
    {
      reason: 'the manifest of the full forged so, below its incrementals',
      spoil: async () => forgeManifest(await on.file('manifest', 0)),
      checks: incomplete,
      says: /-full.*not the manifest that was recorded/,
    },
    {
      reason: 'a manifest is missing',
      spoil: async () => rm(await on.file('manifest', -1)),
      checks: incomplete,
      says: /manifest.* is missing/,
    },
    {
      reason: 'the manifest of another chain in its place',
      spoil: async () => replace(await on.file('manifest'), await on.file('manifest', 0, olderChain), 'of its own'),
      checks: incomplete,
      says: /manifest/,
    },
    {
      reason: 'a volume is cut',
      spoil: async () => truncate(await on.file('.vol1.'), 5000),
      checks: incomplete,
      says: /vol1.* has 5000 bytes instead of/,
    },
    {
      reason: 'a volume is missing',
      spoil: async () => rm(await on.file('.vol2.')),
      checks: incomplete,
      says: /vol2.* is missing/,
    },
    {
      reason: 'signatures are missing',
      spoil: async () => rm(await on.file('-full-signatures')),
      checks: incomplete,
      says: /signatures.* is missing/,
    },
    {
      reason: 'a volume of another full in its place',
      spoil: async () => replace(await on.file('.vol2.'), await on.file('.vol2.', 0, olderChain), 'as recorded'),
      checks: unreadable,
      says: /vol2.* is not what was stored/,
    },
    {
      reason: 'an older volume in its place, of the size recorded',
      spoil: async () => replace(await on.file('-inc.', 3), await on.file('-inc.', 1), 'as recorded'),
      checks: unreadable,
      says: /is not what was stored/,
    },
    {
      reason: 'all is gone',
      spoil: () => rm(on.bench.repository, { recursive: true }),
      checks: incomplete,
      says: /is missing/,
      olderToo: true,
    },
  ])(
    '$reason',
    async ({ spoil, checks, says, olderToo = false }) => {
      await spoil();
      const run = await on.bench.fetch({ decryption, deadlineSeconds: 100 });
      expect(verificationOf(run)).toEqual(notVerified('Failed', 'BackupDamaged', checks));
      const report = run.result.verification?.latest;
      const seen = Object.values(report?.checks ?? {}).filter(({ outcome }) => outcome === 'Failed');
      expect(seen.map(({ evidence }) => evidence)).toEqual([expect.stringMatching(says)]);
      expect(report?.set?.chain).toBe(on.chains[1]);
      await expectNothingLeft(on.bench);
      const { chains } = await on.bench.ledger();
      expect(chains.map(({ problem }) => problem === undefined)).toEqual([!olderToo, false]);
      expect(run.result.newest.chain?.intact).toBe(false);
    },
    150_000,
  );

  test('what was found damaged stays so, although all its files are there: the next incremental becomes a full, the next verification takes what is whole', async () => {
    await flipBit(await on.file('.vol2.'), 100_000);
    const found = await on.bench.fetch({ decryption });
    expect(verificationOf(found)).toEqual(notVerified('Failed', 'BackupDamaged', unreadable));
    const before = (await on.bench.ledger()).chains[0]?.sets[0]?.dataTime;
    expect(found.result.newest.recovery?.offSite).toBe(before);
    const next = await on.bench.fetch({ decryption, points: 'LatestAndRandom' });
    expect([next.exitCode, next.result.failure]).toEqual([0, undefined]);
    const given = handover.parse(JSON.parse(await readFile(join(on.bench.fetched, 'fetched.json'), 'utf8')));
    expect([given.latest.set.chain, given.older]).toEqual([olderChain, undefined]);
    await on.bench.addCopy({ 'dump.sql': Buffer.from('a') });
    const publicKey = await on.bench.secret('gpg-public', { 'public.asc': owner.publicKey });
    const ship = await on.bench.ship({ kind: 'Incremental', encryption: { method: 'gpg', publicKey } });
    expect(madeBy(ship)).toEqual(['Full', 'ChainBroken']);
    expect((await on.bench.ledger()).chains[1]).toMatchObject({
      problem: expect.any(String),
      damaged: expect.any(String),
    });
  }, 200_000);

  test('an older set is damaged, the newest is not: each says what was seen of it', async () => {
    await flipBit(await on.file('.vol2.', 0, olderChain), 100_000);
    // The other sets were verified just now, so that it is the one that comes.
    const path = join(on.bench.claim, 'ledger.json');
    const known = await on.bench.ledger();
    const verified = known.chains.map((chain) => ({
      ...chain,
      sets: chain.sets.map((set) =>
        chain.directory === olderChain ? set : { ...set, verifiedTime: '2026-02-01T00:00:00Z' },
      ),
    }));
    await writeFile(path, JSON.stringify({ ...known, chains: verified }));
    const run = await on.bench.fetch({ decryption, points: 'LatestAndRandom' });
    expect(verificationOf(run)).toEqual({
      ...notVerified('CouldNotVerify', 'BackupDamaged', ['Passed', 'Passed', 'Passed']),
      older: ['Failed', 'Unknown', 'Failed', 'Unknown', 'Unknown'],
    });
    expect((await on.bench.ledger()).chains.map(({ damaged }) => damaged !== undefined)).toEqual([true, false]);
    await expectNothingLeft(on.bench);
  }, 150_000);
});

describe('what opens it', () => {
  test('another private key', async () => {
    const other = await makeGpgOwner(home.path, 'p');
    await other.stop();
    const privateKey = await on.bench.secret('other', { 'private.asc': other.privateKey });
    const run = await on.bench.fetch({ decryption: { method: 'gpg', privateKey } });
    expect(verificationOf(run)).toEqual(notVerified('Failed', 'KeyDoesNotOpen', unreadable));
    expect(run.result.failure?.message).toContain(owner.fingerprint);
    expect((await on.bench.ledger()).chains.map(({ problem }) => problem)).toEqual([undefined, undefined]);
    await expectNothingLeft(on.bench);
  }, 90_000);

  test('a passphrase, where the sets are encrypted to a key', async () => {
    const passphrase = await on.bench.secret('passphrase', { password: 'some words' });
    const run = await on.bench.fetch({ decryption: { method: 'passphrase', passphrase } });
    expect(verificationOf(run)).toEqual(notVerified('Failed', 'KeyDoesNotOpen', unreadable));
  }, 90_000);

  test.each([
    { reason: 'a Secret that is missing', keys: undefined, expected: 'SecretMissing' },
    { reason: 'a Secret without the key', keys: { 'public.asc': 'x' }, expected: 'SecretMissing' },
    { reason: 'a private key that is none', keys: { 'private.asc': 'x' }, expected: 'SecretInvalid' },
    { reason: 'the public key in its place', keys: 'public', expected: 'SecretInvalid' },
    { reason: 'a passphrase of two lines', keys: 'two lines', expected: 'SecretInvalid' },
  ] as const)(
    '$reason',
    async ({ keys, expected }) => {
      const given = {
        public: { 'private.asc': owner.publicKey },
        'two lines': { 'private.asc': owner.privateKey, passphrase: 'a\nb' },
      };
      const privateKey =
        keys === undefined
          ? { directory: join(on.bench.path, 'nowhere'), secret: 'nowhere' }
          : await on.bench.secret('odd', typeof keys === 'string' ? given[keys] : keys);
      const run = await on.bench.fetch({ decryption: { method: 'gpg', privateKey } });
      expect(verificationOf(run)).toEqual(notVerified('CouldNotVerify', expected));
      await expectNothingLeft(on.bench);
    },
    60_000,
  );
});
