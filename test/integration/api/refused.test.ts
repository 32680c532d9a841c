import { apiOf } from '../../cluster/api.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { dryRun, type Json, type JsonObject, sample, withValue } from './support.ts';
import { sharedPlane, type SharedPlane } from '../shared-plane.ts';

let plane: SharedPlane;
let client: KubeClient;
let good: JsonObject;

beforeAll(async () => {
  plane = await sharedPlane();
  client = apiOf(plane.kubeconfig);
  good = await sample();
}, 180_000);

afterAll(async () => {
  client?.close();
});

interface Case {
  /** The path that is changed, below spec. */
  path: string;
  value: Json | undefined;
  /** What a person is told. */
  says: string;
  reason: string;
}

const mysql = { host: 'db', databases: ['agama'], credentialsSecretRef: { name: 's' } };
const cron = 'write a cron line as Kubernetes reads it';
const hostName = 'write only a host name';
const path = 'write an absolute path';
const objectName = 'write the name of a Kubernetes object';
const keys = 'write the host keys as `ssh-keyscan';

const refused: Case[] = [
  { path: 'source', value: undefined, says: 'spec.source: Required value', reason: 'nothing to back up' },
  {
    path: 'source',
    value: {},
    says: 'source: set exactly one of mysql, influxdb, git, files',
    reason: 'an empty source',
  },
  {
    path: 'source',
    value: { mysql, influxdb: { host: 'db', database: 'telegraf' } },
    says: 'source: set exactly one of mysql, influxdb, git, files',
    reason: 'two sources',
  },
  {
    path: 'source.postgres',
    value: {},
    says: 'unknown field "spec.source.postgres"',
    reason: 'an engine that there is not',
  },
  {
    path: 'repository',
    value: {},
    says: 'repository: set exactly one of rsync, sftp, s3, volume',
    reason: 'no repository',
  },
  {
    path: 'repository.volume',
    value: { claimName: 'c' },
    says: 'repository: set exactly one of rsync, sftp, s3, volume',
    reason: 'two repositories',
  },
  {
    path: 'encryption',
    value: undefined,
    says: 'spec.encryption: Required value',
    reason: 'no encryption is a choice to be written down',
  },
  {
    path: 'encryption',
    value: {},
    says: 'encryption: set exactly one of gpg, passphraseSecretRef, none',
    reason: 'an empty encryption',
  },
  {
    path: 'encryption.none',
    value: {},
    says: 'encryption: set exactly one of gpg, passphraseSecretRef, none',
    reason: 'encrypted and not',
  },
  {
    path: 'schedule',
    value: { timeZone: 'Europe/Tallinn' },
    says: 'schedule: set full (a backup in the repository), localCopy',
    reason: 'never',
  },
  {
    path: 'schedule.full',
    value: undefined,
    says: 'schedule.incremental needs schedule.full',
    reason: 'incremental without full',
  },
  { path: 'schedule.full', value: '5 1 * * 7', says: 'Sunday is 0 or sun (not 7)', reason: 'robfig has no day 7' },
  { path: 'schedule.full', value: '5 1 L * *', says: 'there is no L', reason: 'robfig has no L' },
  { path: 'schedule.full', value: '61 1 * * 0', says: cron, reason: 'no such minute' },
  { path: 'schedule.full', value: '5 24 * * 0', says: cron, reason: 'no such hour' },
  { path: 'schedule.full', value: '5 1 0 * *', says: cron, reason: 'no such day' },
  { path: 'schedule.full', value: '*/0 1 * * *', says: cron, reason: 'a step of nothing' },
  { path: 'schedule.full', value: 'H(0-60) 1 * * *', says: cron, reason: 'a hash beyond the hour' },
  { path: 'schedule.full', value: '0 1 H * *', says: cron, reason: 'a hashed day' },
  { path: 'schedule.full', value: 'H/15 * * * *', says: 'H or H(0-29) may stand', reason: 'a step of a hash' },
  { path: 'schedule.full', value: '', says: cron, reason: 'empty' },
  { path: 'schedule.full', value: '0 5 1 * * 0', says: cron, reason: 'six fields' },
  { path: 'schedule.full', value: ' 5 1 * * 0', says: cron, reason: 'a space before' },
  { path: 'schedule.full', value: '5 1 * * 0\n', says: cron, reason: 'a newline after' },
  { path: 'schedule.full', value: '@reboot', says: cron, reason: 'a descriptor that robfig has not' },
  {
    path: 'schedule.full',
    value: 'TZ=Europe/Tallinn 5 1 * * 0',
    says: 'the time zone goes into schedule.timeZone',
    reason: 'CronJob refuses TZ=',
  },
  {
    path: 'schedule.full',
    value: 'CRON_TZ=UTC 5 1 * * 0',
    says: 'the time zone goes into schedule.timeZone',
    reason: 'CronJob refuses CRON_TZ=',
  },
  {
    path: 'schedule.timeZone',
    value: 'Europe/Tallinn; id',
    says: 'write the name of an IANA time zone',
    reason: 'a command',
  },
  {
    path: 'schedule.timeZone',
    value: '../../etc/passwd',
    says: 'write the name of an IANA time zone',
    reason: 'a path',
  },
  {
    path: 'schedule.weekly',
    value: '5 1 * * 0',
    says: 'unknown field "spec.schedule.weekly"',
    reason: 'an unknown field',
  },
  {
    path: 'schedule.window',
    value: { start: '1:00', duration: '30m' },
    says: 'write a time of day in quotes, such as "01:00"',
    reason: 'one digit',
  },
  { path: 'source.mysql.host', value: 'db example', says: hostName, reason: 'a space' },
  { path: 'source.mysql.host', value: '$(reboot)', says: hostName, reason: 'a shell expression' },
  { path: 'source.mysql.host', value: '-oProxyCommand=id', says: hostName, reason: 'an option' },
  { path: 'source.mysql.host', value: 'db:3306', says: 'the port has its own field', reason: 'host and port in one' },
  { path: 'source.mysql.host', value: '', says: hostName, reason: 'empty' },
  { path: 'source.mysql.host', value: 'dätenbank', says: hostName, reason: 'not ASCII' },
  { path: 'source.mysql.host', value: 'a'.repeat(254), says: 'Too long: may not be more than 253', reason: 'too long' },
  { path: 'source.mysql.port', value: 0, says: 'should be greater than or equal to 1', reason: 'no such port' },
  { path: 'source.mysql.port', value: 65536, says: 'should be less than or equal to 65535', reason: 'no such port' },
  { path: 'source.mysql.port', value: '3306', says: 'must be of type integer', reason: 'a port in quotes' },
  {
    path: 'source.mysql.databases',
    value: undefined,
    says: 'mysql: set exactly one of databases, all',
    reason: 'no database',
  },
  { path: 'source.mysql.databases', value: [], says: 'should have at least 1 items', reason: 'an empty list' },
  { path: 'source.mysql.all', value: true, says: 'mysql: set exactly one of databases, all', reason: 'both' },
  {
    path: 'source.mysql.databases',
    value: ['mysql'],
    says: 'name your own databases; the system schemas are not backed up',
    reason: 'a system schema',
  },
  {
    path: 'source.mysql.databases',
    value: ['a', 'Information_Schema'],
    says: 'name your own databases',
    reason: 'a system schema in other letters',
  },
  ...[
    { url: 'ext::sh -c id', reason: 'a transport that runs commands' },
    { url: 'file:///srv/ansible.git', reason: 'a scheme for paths' },
    { url: 'http://git.example.com/a.git', reason: 'in the clear' },
    { url: 'git://git.example.com/a.git', reason: 'in the clear and unproven' },
    { url: 'https://user:password@git.example.com/a.git', reason: 'a password in the address' },
    { url: 'ssh://-oProxyCommand=id/a.git', reason: 'an option for a host' },
    { url: 'ssh://git@-oProxyCommand=id/a.git', reason: 'an option for a host after a user' },
    { url: '-uid@git.example.com:a.git', reason: 'an option for a user' },
    { url: 'git@git.example.com:-a.git', reason: 'an option for a path' },
    { url: '--upload-pack=id', reason: 'an option' },
    { url: '/ops/$(id).git', reason: 'a shell expression' },
    { url: '/ops/two words.git', reason: 'a space' },
    { url: 'ops/ansible.git', reason: 'a relative path' },
    { url: '', reason: 'empty' },
  ].map(({ url, reason }) => ({
    path: 'source',
    value: { git: { url, claimName: 'c' } },
    says: 'write the address of a git repository without a password',
    reason: `git: ${reason}`,
  })),
  {
    path: 'source',
    value: { git: { url: '/ops/../../etc', claimName: 'c' } },
    says: 'must not contain ".." as a part',
    reason: 'git: up and out',
  },
  {
    path: 'source',
    value: { git: { url: '/ops/ansible.git' } },
    says: 'git: a path needs claimName',
    reason: 'git: a path in nothing',
  },
  {
    path: 'source',
    value: { git: { url: 'https://git.example.com/a.git', claimName: 'c' } },
    says: 'git: a path needs claimName, and nothing else does',
    reason: 'git: a claim that is not read',
  },
  {
    path: 'source',
    value: { git: { url: 'git@git.example.com:a.git', credentialsSecretRef: { name: 's' } } },
    says: 'git: ssh needs knownHosts',
    reason: 'git: SSH to whoever answers',
  },
  {
    path: 'source',
    value: { git: { url: 'https://git.example.com/a.git', knownHosts: 'h ssh-ed25519 AAAA' } },
    says: 'git: ssh needs knownHosts, and nothing else does',
    reason: 'git: host keys that are not compared',
  },
  {
    path: 'source',
    value: { git: { url: 'ssh://git@git.example.com/a.git', knownHosts: 'h ssh-ed25519 AAAA' } },
    says: 'git: ssh needs credentialsSecretRef',
    reason: 'git: SSH without a key',
  },
  {
    path: 'source',
    value: { git: { url: '/a.git', claimName: 'c', credentialsSecretRef: { name: 's' } } },
    says: 'git: credentialsSecretRef must not be set for a path',
    reason: 'git: credentials that are not used',
  },
  {
    path: 'source',
    value: { git: { url: '/a.git', claimName: 'c', caSecretRef: { name: 's' } } },
    says: 'git: caSecretRef must not be set but for https',
    reason: 'git: an authority that is not asked',
  },
  { path: 'source.mysql.databases', value: ['a', 'a'], says: 'Duplicate value: "a"', reason: 'twice' },
  {
    path: 'source.mysql.databases',
    value: ['--all-databases'],
    says: 'write the name of a database',
    reason: 'an option',
  },
  {
    path: 'source.mysql.databases',
    value: ['a`; DROP DATABASE x'],
    says: 'write the name of a database',
    reason: 'SQL',
  },
  {
    path: 'source.mysql.databases',
    value: Array.from({ length: 33 }, (_, index) => `db${index}`),
    says: 'Too many: 33: must have at most 32 items',
    reason: 'too many',
  },
  {
    path: 'source.mysql.credentialsSecretRef',
    value: { name: 'A B' },
    says: 'write the name of a Kubernetes object',
    reason: 'no Secret is called so',
  },
  {
    path: 'source.mysql.credentialsSecretRef',
    value: {},
    says: 'credentialsSecretRef.name: Required value',
    reason: 'a reference to nothing',
  },
  {
    path: 'source.mysql.password',
    value: 'x',
    says: 'unknown field "spec.source.mysql.password"',
    reason: 'a secret in the policy',
  },
  {
    path: 'repository.rsync.path',
    value: '/srv/../etc',
    says: 'must not contain ".." as a part',
    reason: 'up and out',
  },
  { path: 'repository.rsync.path', value: '/srv/..', says: 'must not contain ".." as a part', reason: 'up at the end' },
  { path: 'repository.rsync.path', value: 'backups', says: path, reason: 'a relative path' },
  { path: 'repository.rsync.path', value: '/srv/$(id)', says: path, reason: 'a shell expression' },
  { path: 'repository.rsync.path', value: '/srv/two words', says: path, reason: 'a space' },
  { path: 'repository.rsync.path', value: '/srv\n/etc', says: path, reason: 'a newline' },
  { path: 'repository.rsync.user', value: 'backup;id', says: 'write a user name', reason: 'a command' },
  { path: 'repository.rsync.user', value: '-backup', says: 'write a user name', reason: 'an option' },
  { path: 'repository.rsync.knownHosts', value: '', says: keys, reason: 'empty' },
  { path: 'repository.rsync.knownHosts', value: '# only a comment\n', says: keys, reason: 'no key' },
  { path: 'repository.rsync.knownHosts', value: 'SHA256:aGVsbG8', says: keys, reason: 'a fingerprint' },
  {
    path: 'repository.rsync.knownHosts',
    value: 'ssh-ed25519 AAAA',
    says: keys,
    reason: 'a public key without its host',
  },
  {
    path: 'repository.rsync.knownHosts',
    value: 'h ssh-ed25519 AAAA\nProxyCommand id',
    says: keys,
    reason: 'a line that is no key',
  },
  { path: 'repository.rsync.knownHosts', value: 'h ssh-ed25519 A\0A', says: keys, reason: 'a NUL' },
  {
    path: 'repository',
    value: { volume: { claimName: 'tried-holdfast' } },
    says: 'must not be the claim of the policy itself',
    reason: 'beside the local copies',
  },
  {
    path: 'repository',
    value: { volume: { claimName: 'Backups' } },
    says: objectName,
    reason: 'no claim is called so',
  },
  { path: 'repository', value: { volume: { claimName: 'b', path: 'nfs' } }, says: path, reason: 'a relative path' },
  {
    path: 'repository',
    value: { volume: { claimName: 'b', path: '/../a' } },
    says: 'must not contain ".." as a part',
    reason: 'up and out of the claim',
  },
  {
    path: 'retention',
    value: {},
    says: 'retention: set keepFor (such as 4w), keepFullChains, or both',
    reason: 'empty retention',
  },
  { path: 'retention', value: { keepFor: '4 weeks' }, says: 'write a whole number and a unit', reason: 'words' },
  { path: 'retention', value: { keepFor: '0d' }, says: 'write a whole number and a unit', reason: 'nothing is kept' },
  {
    path: 'retention',
    value: { keepFullChains: 0 },
    says: 'should be greater than or equal to 1',
    reason: 'nothing is kept',
  },
  { path: 'deadlines', value: { full: '12' }, says: 'such as 90m, 25h, 4w, 1mo', reason: 'no unit' },
  { path: 'deadlines', value: { full: '-1h' }, says: 'such as 90m, 25h, 4w, 1mo', reason: 'negative' },
  {
    path: 'objectives',
    value: { recoveryPointObjective: '1.5h' },
    says: 'write a whole number and a unit',
    reason: 'a fraction',
  },
  { path: 'localCopy', value: { size: '10 GB' }, says: 'write a size such as 500Mi', reason: 'words' },
  { path: 'localCopy', value: { size: '0' }, says: 'write a size such as 500Mi', reason: 'nothing' },
  { path: 'localCopy', value: { keep: 0 }, says: 'should be greater than or equal to 1', reason: 'no copy' },
  {
    path: 'localCopy',
    value: { storageClassName: '' },
    says: 'write the name of a Kubernetes object',
    reason: 'empty',
  },
  {
    path: 'restore',
    value: { confirmation: 'Nobody' },
    says: 'supported values: "None", "OnePerson", "TwoPersons"',
    reason: 'not a choice',
  },
  {
    path: 'verification',
    value: { points: 'All' },
    says: 'supported values: "Latest", "LatestAndRandom"',
    reason: 'not a choice',
  },
  {
    path: 'verification.sandbox',
    value: { image: '$(reboot)' },
    says: 'write the name of an image, such as registry.example.com/mariadb:11.4',
    reason: 'no name of an image',
  },
  {
    path: 'schedule',
    value: { full: '@weekly' },
    says: 'verification does nothing without schedule.verify',
    reason: 'how, and not when, it is verified',
  },
  {
    path: 'encryption',
    value: { gpg: { publicKeySecretRef: { name: 'public' } } },
    says: 'schedule.verify needs encryption.gpg.privateKeySecretRef',
    reason: 'nothing opens what is to be verified',
  },
  {
    path: 'quiesce',
    value: {},
    says: 'quiesce: set exactly one of readOnly, workloads',
    reason: 'to be kept still, and nobody says how',
  },
  { path: 'egressCIDRs', value: ['everywhere'], says: 'write an IPv4 network', reason: 'no network' },
  { path: 'suspend', value: 'yes', says: 'must be of type boolean', reason: 'a word' },
  {
    path: 'suspended',
    value: true,
    says: 'unknown field "spec.suspended"',
    reason: 'a near miss must not pass for a suspension',
  },
];

test.each(refused)('spec.$path is refused: $reason', async (given) => {
  const answer = await dryRun(client, withValue(good, `spec.${given.path}`, given.value));
  expect(answer).toEqual({ code: expect.any(Number), refused: expect.stringContaining(given.says) });
});

test('a repository on the claim that is backed up is refused', async () => {
  const unasked = withValue(good, 'spec.verification.queries', undefined);
  const files = withValue(unasked, 'spec.source', { files: { claimName: 'shop-files' } });
  const onto = (claimName: string): JsonObject => withValue(files, 'spec.repository', { volume: { claimName } });
  expect(await dryRun(client, onto('shop-files'))).toMatchObject({
    refused: expect.stringContaining('must not be the claim that is backed up'),
  });
  expect(await dryRun(client, onto('backups'))).toEqual({ accepted: expect.anything() });
});

test('a source that takes no SQL cannot be asked to be read-only', async () => {
  const quiesced = withValue(good, 'spec.quiesce', { readOnly: {} });
  expect(await dryRun(client, quiesced)).toEqual({ accepted: expect.anything() });
  const files = { files: { claimName: 'shop', paths: ['/'] } };
  expect(await dryRun(client, withValue(quiesced, 'spec.source', files))).toMatchObject({
    refused: expect.stringContaining('quiesce.readOnly: only a MySQL or MariaDB server can be made read-only'),
  });
});

test('a source that takes no queries cannot be asked any', async () => {
  const verified = withValue(
    withValue(withValue(good, 'spec.schedule.verify', '0 5 * * 0'), 'spec.encryption', { none: {} }),
    'spec.verification',
    { queries: [{ query: 'SELECT 1', expect: '1' }] },
  );
  expect(await dryRun(client, verified)).toEqual({ accepted: expect.anything() });
  const influxdb = { influxdb: { host: 'db', database: 'telegraf' } };
  expect(await dryRun(client, withValue(verified, 'spec.source', influxdb))).toEqual({ accepted: expect.anything() });
  const files = withValue(verified, 'spec.source', { files: { claimName: 'shop', paths: ['/'] } });
  const git = withValue(verified, 'spec.source', { git: { url: 'https://git.example.com/ops/ansible.git' } });
  for (const policy of [files, git]) {
    expect(await dryRun(client, policy)).toMatchObject({
      refused: expect.stringContaining('verification.queries must not be set for a source that takes none'),
    });
    expect(await dryRun(client, withValue(policy, 'spec.verification', { points: 'Latest' }))).toEqual({
      accepted: expect.anything(),
    });
  }
});

test('a policy without a spec is refused', async () => {
  const { spec: _spec, ...without } = good;
  expect(await dryRun(client, without)).toMatchObject({
    code: 422,
    refused: expect.stringContaining('spec: Required value'),
  });
});
