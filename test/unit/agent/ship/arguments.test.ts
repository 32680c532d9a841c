import { rsyncIdentity } from '../../../../src/api/v1alpha1/repositories/rsync.ts';
import { policyDirectory, rsyncAddress } from '../../../../src/agent/repositories/rsync/repository.ts';
import { hasAes, remoteShell, sharedConnection, sshOptions } from '../../../../src/agent/repositories/rsync/ssh.ts';
import {
  backupArguments,
  blockSize,
  type DuplicityTarget,
  statusArguments,
  volumeSize,
} from '../../../../src/agent/ship/duplicity.ts';
import { parseKeys } from '../../../../src/agent/ship/gpg-keys.ts';

const ssh = { identity: '/s/id', knownHosts: '/s/known_hosts', aes: true };
const host = { user: 'u', host: 'backup.example.com', port: 2222 };
const target: DuplicityTarget = {
  address: rsyncAddress(host, ssh, '/srv/shop/agama/chain-20261122T010500Z'),
  archive: '/claim/archive/work',
  name: 'chain-20261122T010500Z',
  temporary: '/s',
  encryption: { method: 'gpg', fingerprint: 'A'.repeat(40) },
};

test('a full to a public key', () => {
  expect(backupArguments('full', target, '/claim/outgoing', 1000 * 1024 * 1024)).toEqual([
    'full',
    '--archive-dir=/claim/archive/work',
    '--name=chain-20261122T010500Z',
    '--tempdir=/s',
    `--encrypt-key=${'A'.repeat(40)}`,
    '--gpg-options=--trust-model=always --compress-level=1',
    '--num-retries=2',
    '--backend-retry-delay=5',
    '--log-fd=4',
    '--verbosity=3',
    `--ssh-options=${[...sshOptions(ssh), ...sharedConnection(ssh)].join(' ')}`,
    '--rsync-options=--timeout=60',
    '--max-blocksize=1024',
    '--volsize=63',
    '/claim/outgoing',
    'rsync://u@backup.example.com:2222//srv/shop/agama/chain-20261122T010500Z',
  ]);
});

test.each([
  { method: 'none', encryption: { method: 'none' }, has: '--no-encryption' },
  { method: 'passphrase', encryption: { method: 'passphrase', passphrase: 'secret words' }, has: 'incremental' },
] as const)('$method: no secret among the arguments', ({ encryption, has }) => {
  for (const args of [
    backupArguments('incremental', { ...target, encryption }, '/o', 1),
    statusArguments({ ...target, encryption }),
  ]) {
    expect(args.join('\n')).not.toContain('secret words');
    expect(args.every((argument) => !argument.startsWith('--encrypt'))).toBe(true);
  }
  expect(backupArguments('incremental', { ...target, encryption }, '/o', 1)).toContain(has);
});

test('a source mismatch stays an error', () => {
  expect(backupArguments('full', target, '/o', 1).join(' ')).not.toContain('allow-source-mismatch');
});

test.each([
  { bytes: 0, size: 1 },
  { bytes: 16 * 1024 * 1024, size: 1 },
  { bytes: 16 * 1024 * 1024 + 1, size: 2 },
  { bytes: 1024 ** 3, size: 64 },
  { bytes: 1024 ** 4, size: 200 },
])('$bytes bytes: volumes of $size MiB', ({ bytes, size }) => {
  expect(volumeSize(bytes)).toBe(size);
});

test.each([
  { bytes: 0, size: 1024 },
  { bytes: 8 * 1024 ** 3, size: 1024 },
  { bytes: 8 * 1024 ** 3 + 1, size: 1536 },
  { bytes: 1024 ** 4, size: 128 * 1024 },
])('$bytes bytes: blocks of $size bytes, a multiple of 512 as duplicity wants it', ({ bytes, size }) => {
  expect(blockSize(bytes)).toBe(size);
});

test('ssh asks nobody and trusts only the given host keys', () => {
  const shell = remoteShell({ port: 2222 }, ssh);
  expect(shell).toMatch(/^ssh -p 2222 -oIdentityFile=\/s\/id /);
  for (const option of [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'GlobalKnownHostsFile=/dev/null',
    'IdentitiesOnly=yes',
  ])
    expect(shell).toContain(`-o${option}`);
});

test.each([
  { cpuinfo: 'flags\t\t: fpu vme sse2 aes avx\n', aes: true, reason: 'x86' },
  { cpuinfo: 'Features\t: fp asimd aes\n', aes: true, reason: 'ARM, and the last word' },
  { cpuinfo: 'Features\t: half thumb neon\n', aes: false, reason: 'a Raspberry Pi' },
  { cpuinfo: 'model name\t: with aes\nflags\t\t: fpu vaes\n', aes: false, reason: 'no flag of that name' },
  { cpuinfo: '', aes: false, reason: 'a system that does not tell' },
])('AES is chosen where the processor has it: $reason', ({ cpuinfo, aes }) => {
  expect(hasAes(cpuinfo)).toBe(aes);
  expect(sshOptions({ ...ssh, aes }).some((option) => option.includes('aes128-gcm'))).toBe(aes);
});

test.each(['/s p/id', "/s'/id", '/s"/id', '/s\\/id'])('a path that would be split is refused: %s', (identity) => {
  expect(() => sshOptions({ ...ssh, identity })).toThrow('scratch path');
});

test.each([
  { path: '/', directory: '/shop/agama' },
  { path: '/srv/backups/', directory: '/srv/backups/shop/agama' },
  { path: '//home/user', directory: '/home/user/shop/agama' },
])('the directory below $path', ({ path, directory }) => {
  expect(policyDirectory({ path }, { namespace: 'shop', name: 'agama' })).toBe(directory);
  expect(rsyncAddress(host, ssh, directory).url).toBe(`rsync://u@backup.example.com:2222/${directory}`);
});

test('a repository is told by user, host, port and path', () => {
  const rsync = { user: 'u', host: 'h', port: 22, path: '/p', knownHosts: 'k', key: { directory: '/k', secret: 'k' } };
  const others = [{ user: 'v' }, { host: 'i' }, { port: 23 }, { path: '/q' }];
  const identities = [{}, ...others].map((change) => rsyncIdentity({ ...rsync, ...change }));
  expect(new Set(identities).size).toBe(5);
});

describe('parseKeys', () => {
  const fpr = (letter: string): string => `fpr:::::::::${letter.repeat(40)}:`;
  const pub = (validity: string, capabilities: string): string =>
    `pub:${validity}:255:22:AA:1:::-:::${capabilities}::::::23::0:`;
  const sub = (validity: string, capabilities: string): string =>
    `sub:${validity}:255:18:BB:1::::::${capabilities}::::::23:`;
  test.each([
    { reason: 'an encryption subkey', lines: [pub('-', 'scESC'), fpr('A'), sub('-', 'e'), fpr('B')], state: 'Usable' },
    { reason: 'a primary key that encrypts', lines: [pub('-', 'escESC'), fpr('A')], state: 'Usable' },
    { reason: 'signs only', lines: [pub('-', 'scSC'), fpr('A')], state: 'it has no usable encryption key' },
    { reason: 'expired', lines: [pub('e', 'sc'), fpr('A'), sub('e', 'e')], state: 'it is expired' },
    { reason: 'the subkey expired', lines: [pub('-', 'scSC'), fpr('A'), sub('e', 'e')], state: 'it is expired' },
    {
      reason: 'one subkey of two expired',
      lines: [pub('-', 'scESC'), fpr('A'), sub('e', 'e'), sub('-', 'e')],
      state: 'Usable',
    },
    { reason: 'revoked', lines: [pub('r', 'sc'), fpr('A'), sub('r', 'e')], state: 'it is revoked' },
    {
      reason: 'disabled',
      lines: [pub('d', 'scESC'), fpr('A'), sub('-', 'e')],
      state: 'it has no usable encryption key',
    },
  ])('$reason: $state', ({ lines, state }) => {
    expect(parseKeys(lines.join('\n'))).toEqual([{ fingerprint: 'A'.repeat(40), state }]);
  });

  test('two keys are two keys', () => {
    expect(parseKeys([pub('-', 'esc'), fpr('A'), pub('-', 'esc'), fpr('B')].join('\n'))).toHaveLength(2);
  });

  test('nothing is no key', () => {
    expect(parseKeys('')).toEqual([]);
  });
});

test('a scratch path that is too long for a socket: every program has a connection of its own', () => {
  const long = `/${'s'.repeat(80)}/id`;
  expect(sharedConnection({ ...ssh, identity: long })).toEqual([]);
  expect(sharedConnection(ssh)).toHaveLength(3);
});
