import { rm } from 'node:fs/promises';
import type { FetchTask } from '../../src/api/v1alpha1/task.ts';
import { makeDirectory } from './support/directories.ts';
import { type GpgOwner, makeGpgOwner } from './support/duplicity-gpg.ts';
import { flipBit, makeShippedBench, type ShippedBench } from './support/shipped-bench.ts';
import { notVerified, verificationOf } from './support/verification.ts';

// A passphrase that is wrong is told from a file that is damaged: gpg itself says the same of both.

const unreadable = ['Unknown', 'Failed', 'Unknown'] as const;
const words = 'right words';

describe('encrypted with a passphrase', () => {
  let on: ShippedBench;
  const decryption = async (password: string): Promise<FetchTask['decryption']> => ({
    method: 'passphrase',
    passphrase: await on.bench.secret('passphrase', { password }),
  });

  beforeAll(async () => {
    on = await makeShippedBench({
      kinds: ['Full'],
      bytes: 10_000,
      encryption: async (bench) => ({
        method: 'passphrase',
        passphrase: await bench.secret('passphrase', { password: words }),
      }),
    });
  }, 240_000);
  afterAll(() => on.stop());
  beforeEach(() => on.reset());

  test('another passphrase', async () => {
    const run = await on.bench.fetch({ decryption: await decryption('other words') });
    expect(verificationOf(run)).toEqual(notVerified('Failed', 'KeyDoesNotOpen', unreadable));
    expect(run.log).not.toContain('other words');
    expect((await on.bench.ledger()).chains.map(({ problem }) => problem)).toEqual([undefined]);
  }, 120_000);

  test.each([
    { reason: 'of the salt', at: 6 },
    { reason: 'of what is encrypted', at: -20 },
  ])(
    'the right one, and a byte $reason of the manifest',
    async ({ at }) => {
      await flipBit(await on.file('manifest'), at);
      const run = await on.bench.fetch({ decryption: await decryption(words) });
      expect(verificationOf(run)).toEqual(notVerified('Failed', 'BackupDamaged', unreadable));
    },
    120_000,
  );

  test('another passphrase, and the manifest is gone: what is missing is said, for that is known', async () => {
    await rm(await on.file('manifest'));
    const run = await on.bench.fetch({ decryption: await decryption('other words') });
    expect(verificationOf(run)).toEqual(notVerified('Failed', 'BackupDamaged', ['Unknown', 'Unknown', 'Failed']));
  }, 120_000);
});

describe('encrypted to a key that has a passphrase', () => {
  let home: Awaited<ReturnType<typeof makeDirectory>>;
  let owner: GpgOwner;
  let on: ShippedBench;

  beforeAll(async () => {
    home = await makeDirectory();
    owner = await makeGpgOwner(home.path, 'o', { passphrase: words });
    await owner.stop();
    on = await makeShippedBench({
      kinds: ['Full'],
      bytes: 10_000,
      encryption: async (bench) => ({
        method: 'gpg',
        publicKey: await bench.secret('gpg-public', { 'public.asc': owner.publicKey }),
      }),
    });
  }, 240_000);
  afterAll(async () => {
    await on.stop();
    await home.remove();
  });
  beforeEach(() => on.reset());

  test.each([
    { reason: 'another passphrase', keys: { passphrase: 'other words' } },
    { reason: 'none', keys: {} },
  ])(
    '$reason',
    async ({ keys }) => {
      const privateKey = await on.bench.secret('gpg', { 'private.asc': owner.privateKey, ...keys });
      const run = await on.bench.fetch({ decryption: { method: 'gpg', privateKey } });
      expect(verificationOf(run)).toEqual(notVerified('Failed', 'KeyDoesNotOpen', unreadable));
      expect(run.result.failure?.message).toContain('does not unlock its private key');
    },
    120_000,
  );
});
