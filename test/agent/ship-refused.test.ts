import { readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { duplicityDirectory } from './support/duplicity.ts';
import { type Bench, makeBench } from './support/duplicity-bench.ts';
import { makeGpgOwner } from './support/duplicity-gpg.ts';
import { freePort } from './support/ports.ts';
import { failed, failureOf, madeBy, small } from './support/ship-outcomes.ts';
import { type BackupHost, makeKeyPair, startBackupHost } from './support/ssh.ts';

let host: BackupHost;
let bench: Bench;

beforeAll(async () => {
  host = await startBackupHost();
  await duplicityDirectory();
}, 120_000);

afterAll(() => host.stop());

beforeEach(async () => {
  bench = await makeBench(host);
});

afterEach(() => bench.remove());

describe('before anything is sent', () => {
  test('a backup host that is not there', async () => {
    await bench.addCopy(small('a'));
    const port = await freePort();
    const run = await bench.ship({ repository: { port, knownHosts: host.knownHosts(port) } });
    expect(await failureOf(bench, run)).toEqual(failed('Connect', 'RepositoryUnreachable'));
    expect(run.result.failure?.message).toContain('Connection refused');
  });

  test('another host key', async () => {
    await bench.addCopy(small('a'));
    const { publicKey } = await makeKeyPair(bench.path, 'other');
    const knownHosts = `[127.0.0.1]:${host.port} ${publicKey}`;
    expect(await failureOf(bench, await bench.ship({ repository: { knownHosts } }))).toEqual(
      failed('Connect', 'HostKeyMismatch'),
    );
  });

  test('another SSH key', async () => {
    await bench.addCopy(small('a'));
    const { privateKey } = await makeKeyPair(bench.path, 'other');
    const key = await bench.secret('other-key', { 'ssh-privatekey': privateKey });
    expect(await failureOf(bench, await bench.ship({ repository: { key } }))).toEqual(failed('Connect', 'KeyRefused'));
  });

  test('an account that may not write there', async () => {
    await bench.addCopy(small('a'));
    const { privateKey, publicKey } = await makeKeyPair(bench.path, 'other');
    await host.authorize(publicKey, 'setpriv --reuid 65532 --regid 65532 --clear-groups sh -c "$SSH_ORIGINAL_COMMAND"');
    const key = await bench.secret('other-key', { 'ssh-privatekey': privateKey });
    expect(await failureOf(bench, await bench.ship({ repository: { key } }))).toEqual(
      failed('Connect', 'RepositoryNotWritable'),
    );
  });

  test('an account without rsync', async () => {
    await bench.addCopy(small('a'));
    const { privateKey, publicKey } = await makeKeyPair(bench.path, 'other');
    await host.authorize(publicKey, 'echo This account is currently not available.');
    const key = await bench.secret('other-key', { 'ssh-privatekey': privateKey });
    expect(await failureOf(bench, await bench.ship({ repository: { key } }))).toEqual(
      failed('Connect', 'RsyncUnavailable'),
    );
  });

  test('Secrets that are missing or of no use', async () => {
    await bench.addCopy(small('a'));
    const nowhere = { directory: join(bench.path, 'nowhere'), secret: 'nowhere' };
    const garbage = await bench.secret('garbage', { 'ssh-privatekey': 'x', 'public.asc': 'x', password: '\n' });
    const cases = [
      { options: { repository: { key: nowhere } }, reason: 'SecretMissing' },
      { options: { repository: { key: garbage } }, reason: 'SecretInvalid' },
      { options: { encryption: { method: 'gpg', publicKey: nowhere } }, reason: 'SecretMissing' },
      { options: { encryption: { method: 'gpg', publicKey: garbage } }, reason: 'SecretInvalid' },
      { options: { encryption: { method: 'passphrase', passphrase: nowhere } }, reason: 'SecretMissing' },
      { options: { encryption: { method: 'passphrase', passphrase: garbage } }, reason: 'SecretInvalid' },
    ] as const;
    for (const { options, reason } of cases)
      expect(await failureOf(bench, await bench.ship(options))).toEqual(failed('Prepare', reason));
  }, 60_000);

  test.each([
    { reason: 'an expired key', options: { madeAt: '20200101T000000', expires: '1y' } },
    { reason: 'a key that only signs', options: { usage: 'sign' } },
  ] as const)('$reason', async ({ options }) => {
    await bench.addCopy(small('a'));
    const owner = await makeGpgOwner(bench.path, 'o', options);
    await owner.stop();
    const publicKey = await bench.secret('gpg', { 'public.asc': owner.publicKey });
    expect(await failureOf(bench, await bench.ship({ encryption: { method: 'gpg', publicKey } }))).toEqual(
      failed('Prepare', 'KeyUnusable'),
    );
  });

  test('a private key in the place of the public one', async () => {
    await bench.addCopy(small('a'));
    const owner = await makeGpgOwner(bench.path, 'o');
    await owner.stop();
    const publicKey = await bench.secret('gpg', { 'public.asc': owner.privateKey });
    const run = await bench.ship({ encryption: { method: 'gpg', publicKey } });
    expect(await failureOf(bench, run)).toEqual(failed('Prepare', 'SecretInvalid'));
    expect(run.result.failure?.message).toContain('private key');
  });

  test('a local copy that is missing, was changed, or was shipped already', async () => {
    expect(await failureOf(bench, await bench.ship())).toEqual(failed('Prepare', 'LocalCopyMissing'));
    const name = await bench.addCopy(small('a'));
    const file = join(bench.claim, 'copies', name, 'agama/agama.sql');
    const content = await readFile(file);
    await writeFile(file, Buffer.concat([Buffer.from('b'), content.subarray(1)]));
    expect(await failureOf(bench, await bench.ship())).toEqual(failed('Prepare', 'LocalCopyDamaged'));
    await truncate(file, 10);
    expect(await failureOf(bench, await bench.ship())).toEqual(failed('Prepare', 'LocalCopyDamaged'));
    await rm(file);
    expect(await failureOf(bench, await bench.ship())).toEqual(failed('Prepare', 'LocalCopyMissing'));
    await writeFile(file, content);
    expect(madeBy(await bench.ship())).toEqual(['Full']);
    const again = await bench.ship({ kind: 'Incremental' });
    expect(again.result.failure).toMatchObject({ step: 'Prepare', reason: 'LocalCopyMissing' });
    expect((await bench.ledger()).chains[0]?.sets).toHaveLength(1);
  }, 90_000);

  test('the claim stays locked', async () => {
    await bench.addCopy(small('a'));
    const lock = join(bench.claim, 'locks/repository');
    await execa('mkdir', ['-p', join(bench.claim, 'locks')]);
    const holder = execa('flock', ['--no-fork', lock, 'sleep', '60']);
    holder.catch(() => undefined);
    while (!(await stat(lock).catch(() => undefined))) await sleep(20);
    await sleep(200);
    expect(await failureOf(bench, await bench.ship({ deadlineSeconds: 4 }))).toEqual(
      failed('Lock', 'AnotherRunActive'),
    );
    holder.kill();
    await holder.catch(() => undefined);
  }, 60_000);

  test('a directory of another cluster, until it is adopted', async () => {
    await bench.addCopy(small('a'));
    expect(madeBy(await bench.ship({ cluster: 'other' }))).toEqual(['Full']);
    await bench.addCopy(small('b'));
    const run = await bench.ship({ kind: 'Incremental' });
    expect(await failureOf(bench, run)).toEqual(failed('Repository', 'RepositoryOwnedByAnother'));
    expect(run.result.failure?.message).toContain('other');
    expect(madeBy(await bench.ship({ kind: 'Incremental', adopt: true }))).toEqual(['Incremental']);
    const marker: unknown = JSON.parse(await readFile(join(bench.repository, 'holdfast-owner.json'), 'utf8'));
    expect(marker).toEqual({ cluster: 'a-cluster', namespace: 'shop', name: 'agama' });
  }, 90_000);

  test('another passphrase than the repository was written with', async () => {
    await bench.addCopy(small('a'));
    const encryption = async (password: string) =>
      ({ method: 'passphrase', passphrase: await bench.secret('passphrase', { password }) }) as const;
    expect(madeBy(await bench.ship({ encryption: await encryption('first words') }))).toEqual(['Full']);
    await bench.addCopy(small('b'));
    for (const kind of ['Incremental', 'Full'] as const) {
      const run = await bench.ship({ kind, encryption: await encryption('other words') });
      expect(await failureOf(bench, run)).toEqual(failed('Repository', 'WrongPassphrase'));
      expect(run.log).not.toContain('other words');
    }
    expect(await bench.chains()).toHaveLength(1);
  }, 90_000);
});
