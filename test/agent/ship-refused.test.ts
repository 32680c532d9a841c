import { readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { makeGpgOwner } from './support/duplicity-gpg.ts';
import { freePort } from './support/ports.ts';
import { failed, failureOf, madeBy, small } from './support/ship-outcomes.ts';
import { makeKeyPair } from './support/ssh.ts';
import { benchForEach } from './support/bench-for-each.ts';
import { startRsyncRepository } from './support/repositories.ts';

const on = benchForEach(startRsyncRepository);

describe('before anything is sent', () => {
  test('a backup host that is not there', async () => {
    await on.bench.addCopy(small('a'));
    const port = await freePort();
    const run = await on.bench.ship({ rsync: { port, knownHosts: on.repository.host.knownHosts(port) } });
    expect(await failureOf(on.bench, run)).toEqual(failed('Connect', 'RepositoryUnreachable'));
    expect(run.result.failure?.message).toContain('Connection refused');
  });

  test('another host key', async () => {
    await on.bench.addCopy(small('a'));
    const { publicKey } = await makeKeyPair(on.bench.path, 'other');
    const knownHosts = `[127.0.0.1]:${on.repository.host.port} ${publicKey}`;
    expect(await failureOf(on.bench, await on.bench.ship({ rsync: { knownHosts } }))).toEqual(
      failed('Connect', 'HostKeyMismatch'),
    );
  });

  test('another SSH key', async () => {
    await on.bench.addCopy(small('a'));
    const { privateKey } = await makeKeyPair(on.bench.path, 'other');
    const key = await on.bench.secret('other-key', { 'ssh-privatekey': privateKey });
    expect(await failureOf(on.bench, await on.bench.ship({ rsync: { key } }))).toEqual(failed('Connect', 'KeyRefused'));
  });

  test('an account without rsync', async () => {
    await on.bench.addCopy(small('a'));
    const { privateKey, publicKey } = await makeKeyPair(on.bench.path, 'other');
    await on.repository.host.authorize(publicKey, 'echo This account is currently not available.');
    const key = await on.bench.secret('other-key', { 'ssh-privatekey': privateKey });
    expect(await failureOf(on.bench, await on.bench.ship({ rsync: { key } }))).toEqual(
      failed('Connect', 'RsyncUnavailable'),
    );
  });

  test('Secrets that are missing or of no use', async () => {
    await on.bench.addCopy(small('a'));
    const nowhere = { directory: join(on.bench.path, 'nowhere'), secret: 'nowhere' };
    const garbage = await on.bench.secret('garbage', { 'ssh-privatekey': 'x', 'public.asc': 'x', password: '\n' });
    const cases = [
      { options: { rsync: { key: nowhere } }, reason: 'SecretMissing' },
      { options: { rsync: { key: garbage } }, reason: 'SecretInvalid' },
      { options: { encryption: { method: 'gpg', publicKey: nowhere } }, reason: 'SecretMissing' },
      { options: { encryption: { method: 'gpg', publicKey: garbage } }, reason: 'SecretInvalid' },
      { options: { encryption: { method: 'passphrase', passphrase: nowhere } }, reason: 'SecretMissing' },
      { options: { encryption: { method: 'passphrase', passphrase: garbage } }, reason: 'SecretInvalid' },
    ] as const;
    for (const { options, reason } of cases)
      expect(await failureOf(on.bench, await on.bench.ship(options))).toEqual(failed('Prepare', reason));
  }, 60_000);

  test.each([
    { reason: 'an expired key', options: { madeAt: '20200101T000000', expires: '1y' } },
    { reason: 'a key that only signs', options: { usage: 'sign' } },
  ] as const)('$reason', async ({ options }) => {
    await on.bench.addCopy(small('a'));
    const owner = await makeGpgOwner(on.bench.path, 'o', options);
    await owner.stop();
    const publicKey = await on.bench.secret('gpg', { 'public.asc': owner.publicKey });
    expect(await failureOf(on.bench, await on.bench.ship({ encryption: { method: 'gpg', publicKey } }))).toEqual(
      failed('Prepare', 'KeyUnusable'),
    );
  });

  test('a private key in the place of the public one', async () => {
    await on.bench.addCopy(small('a'));
    const owner = await makeGpgOwner(on.bench.path, 'o');
    await owner.stop();
    const publicKey = await on.bench.secret('gpg', { 'public.asc': owner.privateKey });
    const run = await on.bench.ship({ encryption: { method: 'gpg', publicKey } });
    expect(await failureOf(on.bench, run)).toEqual(failed('Prepare', 'SecretInvalid'));
    expect(run.result.failure?.message).toContain('private key');
  });

  test('a local copy that is missing, was changed, or was shipped already', async () => {
    expect(await failureOf(on.bench, await on.bench.ship())).toEqual(failed('Prepare', 'LocalCopyMissing'));
    const name = await on.bench.addCopy(small('a'));
    const file = join(on.bench.claim, 'copies', name, 'agama/agama.sql');
    const content = await readFile(file);
    await writeFile(file, Buffer.concat([Buffer.from('b'), content.subarray(1)]));
    expect(await failureOf(on.bench, await on.bench.ship())).toEqual(failed('Prepare', 'LocalCopyDamaged'));
    await truncate(file, 10);
    expect(await failureOf(on.bench, await on.bench.ship())).toEqual(failed('Prepare', 'LocalCopyDamaged'));
    await rm(file);
    expect(await failureOf(on.bench, await on.bench.ship())).toEqual(failed('Prepare', 'LocalCopyMissing'));
    await writeFile(file, content);
    expect(madeBy(await on.bench.ship())).toEqual(['Full']);
    const again = await on.bench.ship({ kind: 'Incremental' });
    expect(again.result.failure).toMatchObject({ step: 'Prepare', reason: 'LocalCopyMissing' });
    expect((await on.bench.ledger()).chains[0]?.sets).toHaveLength(1);
  }, 90_000);

  test('the claim stays locked', async () => {
    await on.bench.addCopy(small('a'));
    const lock = join(on.bench.claim, 'locks/repository');
    await execa('mkdir', ['-p', join(on.bench.claim, 'locks')]);
    const holder = execa('flock', ['--no-fork', lock, 'sleep', '60']);
    holder.catch(() => undefined);
    while (!(await stat(lock).catch(() => undefined))) await sleep(20);
    await sleep(200);
    expect(await failureOf(on.bench, await on.bench.ship({ deadlineSeconds: 4 }))).toEqual(
      failed('Lock', 'AnotherRunActive'),
    );
    holder.kill();
    await holder.catch(() => undefined);
  }, 60_000);

  test('another passphrase than the repository was written with', async () => {
    await on.bench.addCopy(small('a'));
    const encryption = async (password: string) =>
      ({ method: 'passphrase', passphrase: await on.bench.secret('passphrase', { password }) }) as const;
    expect(madeBy(await on.bench.ship({ encryption: await encryption('first words') }))).toEqual(['Full']);
    await on.bench.addCopy(small('b'));
    for (const kind of ['Incremental', 'Full'] as const) {
      const run = await on.bench.ship({ kind, encryption: await encryption('other words') });
      expect(await failureOf(on.bench, run)).toEqual(failed('Repository', 'WrongPassphrase'));
      expect(run.log).not.toContain('other words');
    }
    expect(await on.bench.chains()).toHaveLength(1);
  }, 90_000);
});
