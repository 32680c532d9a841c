import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { ShipTask } from '../../src/api/v1alpha1/task.ts';
import { benchForEach } from './support/bench-for-each.ts';
import { makeDirectory } from './support/directories.ts';
import { plainRestore } from './support/duplicity.ts';
import { type Files, digests, readDigests } from './support/duplicity-bench.ts';
import { type GpgOwner, makeGpgOwner } from './support/duplicity-gpg.ts';
import { startRsyncRepository } from './support/repositories.ts';
import { madeBy } from './support/ship-outcomes.ts';
import { makeKeyPair } from './support/ssh.ts';

const passphrase = 'correct horse "battery" $taple';

const on = benchForEach(startRsyncRepository);
let home: Awaited<ReturnType<typeof makeDirectory>>;
let owner: GpgOwner;

beforeAll(async () => {
  home = await makeDirectory();
  owner = await makeGpgOwner(home.path, 'o');
}, 120_000);

afterAll(async () => {
  await owner.stop();
  await home.remove();
});

const encryptionOf = async (method: ShipTask['encryption']['method']): Promise<ShipTask['encryption']> => {
  if (method === 'gpg')
    return { method, publicKey: await on.bench.secret('gpg-public', { 'public.asc': owner.publicKey }) };
  if (method === 'passphrase')
    return { method, passphrase: await on.bench.secret('passphrase', { password: `${passphrase}\n` }) };
  return { method };
};

/** A dump of about 1.3 MB, so of two volumes, that changes a little from day to day. */
const base = randomBytes(1_300_000);
const day = (number: number): Files => ({
  'agama/agama.sql': Buffer.concat([base, Buffer.from(`-- day ${number}\n`.repeat(number * 50))]),
  'facts.json': Buffer.from(JSON.stringify({ day: number })),
});

test('a passphrase is hashed as often as OpenPGP can, on every processor', async () => {
  const encryption = await encryptionOf('passphrase');
  await on.bench.addCopy(day(1));
  expect(madeBy(await on.bench.ship({ encryption }))).toEqual(['Full']);
  const chain = join(on.bench.repository, (await on.bench.chains())[0] ?? '');
  const files = (await readdir(chain)).filter((name) => name.endsWith('.gpg'));
  expect(files.length).toBeGreaterThanOrEqual(4);
  for (const name of files) {
    const { stdout } = await execa('gpg', ['--homedir', home.path, '--batch', '--list-packets', join(chain, name)], {
      reject: false,
    });
    expect(stdout).toContain('count 65011712 (255)');
  }
}, 60_000);

describe('a full and two incrementals', () => {
  test.each([
    { method: 'gpg', reason: 'to a public key, without the private one' },
    { method: 'passphrase', reason: 'with a passphrase' },
  ] as const)(
    '$method: each point restores byte for byte with plain duplicity ($reason)',
    async ({ method }) => {
      const encryption = await encryptionOf(method);
      for (const number of [1, 2, 3]) {
        const copy = await on.bench.addCopy(day(number));
        const kind = number === 1 ? 'Full' : 'Incremental';
        const { exitCode, result, log } = await on.bench.ship({ kind, encryption });
        expect({
          exitCode,
          outcome: result.outcome,
          made: result.made,
          notes: result.notes,
          why: result.failure,
        }).toEqual({
          exitCode: 0,
          outcome: 'Succeeded',
          made: kind,
          notes: [],
        });
        expect(log).not.toContain(passphrase);
        const { copies } = await on.bench.ledger();
        const shipped = copies.find(({ name }) => name === copy);
        expect(shipped?.shippedAs).toBe((number === 1 ? result.newest.full : result.newest.incremental)?.setTime);
        expect(result.newest.chain).toMatchObject({ incrementals: number - 1, intact: true });
      }
      const { chains } = await on.bench.ledger();
      expect(chains).toHaveLength(1);
      const [chain] = chains;
      for (const [index, set] of (chain?.sets ?? []).entries()) {
        const target = join(on.bench.path, `restored-${index}`);
        await plainRestore({
          chain: join(on.bench.repository, chain?.directory ?? ''),
          target,
          scratch: on.bench.path,
          time: set.setTime,
          encrypted: true,
          ...(method === 'gpg' && { gpgHome: owner.home }),
          ...(method === 'passphrase' && { passphrase }),
        });
        expect(await readDigests(target)).toEqual(digests(day(index + 1)));
      }
    },
    120_000,
  );
});

test('an account that is kept to a directory by rrsync: the directory of the policy is made by the first run', async () => {
  const { host, directory } = on.repository;
  const { privateKey, publicKey } = await makeKeyPair(on.bench.path, 'restricted');
  await host.authorize(publicKey, `/usr/bin/rrsync -no-lock ${directory}`);
  const key = await on.bench.secret('restricted', { 'ssh-privatekey': privateKey });
  const rsync = { key, path: on.bench.place.slice(directory.length) };
  for (const kind of ['Full', 'Incremental'] as const) {
    await on.bench.addCopy(day(kind === 'Full' ? 1 : 2));
    expect(madeBy(await on.bench.ship({ kind, rsync }))).toEqual([kind]);
  }
  expect(await on.bench.chains()).toHaveLength(1);
}, 90_000);
