import { apiOf } from '../../cluster/api.ts';
import { backupPolicySpec } from '../../../src/api/v1alpha1/backuppolicy.ts';
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

const hostKey = '[git.example.com]:2222 ssh-ed25519 AAAA';
const secret = { name: 'git' };
const gitOverSsh = (url: string): Json => ({ git: { url, knownHosts: hostKey, credentialsSecretRef: secret } });

const accepted: { path: string; value: Json | undefined; reason: string }[] = [
  { path: 'suspend', value: true, reason: 'suspended' },
  { path: 'localCopy', value: undefined, reason: 'all of localCopy by default' },
  { path: 'objectives', value: undefined, reason: 'nothing promised' },
  { path: 'schedule', value: { full: '@weekly' }, reason: 'a descriptor' },
  { path: 'schedule', value: { localCopy: '@every 1h30m' }, reason: 'local copies only' },
  { path: 'schedule.full', value: '5,35 */2 1-15/2 JAN,jul sun-sat', reason: 'lists, ranges, steps, names' },
  { path: 'schedule.full', value: 'H(0-29) 1 * * 0', reason: 'a hashed minute' },
  { path: 'schedule.full', value: 'H H(0-23) * * sun', reason: 'minute and hour hashed' },
  { path: 'schedule.window', value: { start: '23:45', duration: '30m', enforce: true }, reason: 'over midnight' },
  { path: 'schedule.full', value: '5  1   ? * 0', reason: 'several spaces and a question mark' },
  { path: 'schedule.timeZone', value: 'America/Argentina/Buenos_Aires', reason: 'three parts' },
  { path: 'schedule.timeZone', value: 'Etc/GMT+3', reason: 'a sign' },
  { path: 'source.mysql.host', value: '192.0.2.7', reason: 'an address' },
  { path: 'source.mysql.databases', value: ['agama', 'Agama_2', 'a-b.c$'], reason: 'names as MySQL takes them' },
  { path: 'source', value: gitOverSsh('ssh://git@git.example.com:2222/ops/ansible.git'), reason: 'git over SSH' },
  {
    path: 'source',
    value: gitOverSsh('git@git.example.com:~ops/ansible.git'),
    reason: 'git over SSH, as scp writes it',
  },
  {
    path: 'source',
    value: { git: { url: 'https://git.example.com/a%20b/_git/c.git' } },
    reason: 'a public repository',
  },
  {
    path: 'source',
    value: {
      git: { url: 'https://192.0.2.7:8443/ops.git', credentialsSecretRef: secret, caSecretRef: { name: 'ca' } },
    },
    reason: 'git over HTTPS, with an authority of its own',
  },
  { path: 'source', value: { git: { url: '/ops/ansible.git', claimName: 'repositories' } }, reason: 'git on a claim' },
  { path: 'encryption', value: { none: {} }, reason: 'in the clear, said out loud' },
  { path: 'encryption', value: { passphraseSecretRef: { name: 'p' } }, reason: 'a passphrase' },
  { path: 'repository.rsync.path', value: '/', reason: 'the root of a restricted account' },
  { path: 'repository.rsync.path', value: '/srv/..backups/a...b', reason: 'dots that go nowhere' },
  { path: 'repository', value: { volume: { claimName: 'backups' } }, reason: 'a claim, from its root' },
  { path: 'repository', value: { volume: { claimName: 'backups', path: '/nfs' } }, reason: 'a directory on a claim' },
  {
    path: 'repository.rsync.knownHosts',
    value:
      '# backup:2222 SSH-2.0-OpenSSH_9.2p1\n[backup]:2222 ssh-ed25519 AAAAC3Nz+/aC=\n\n[backup]:2222 ecdsa-sha2-nistp256 AAAAE2Vj root@backup\n',
    reason: 'what ssh-keyscan prints, and a comment after the key',
  },
  {
    path: 'repository.rsync.knownHosts',
    value: '|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-rsa AAAA',
    reason: 'a hashed name',
  },
  {
    path: 'repository.rsync.knownHosts',
    value: '@cert-authority *.example.com ssh-ed25519 AAAA',
    reason: 'a certificate authority',
  },
  { path: 'retention', value: { keepFor: '1mo' }, reason: 'a month' },
  { path: 'deadlines', value: { full: '1d12h' }, reason: 'two units' },
];

/** The sample with one value changed; another timetable goes without a verification, and another source without its queries. */
const changed = (path: string, value: Json | undefined): JsonObject =>
  withValue(
    ['schedule', 'source'].includes(path) ? withValue(good, 'spec.verification', undefined) : good,
    `spec.${path}`,
    value,
  );

test.each(accepted)('spec.$path is accepted: $reason', async ({ path, value }) => {
  const answer = await dryRun(client, changed(path, value));
  expect(answer).toEqual({ accepted: expect.anything() });
});

test.each(accepted)('API server and operator put in the same defaults: $reason', async ({ path, value }) => {
  const given = changed(path, value);
  const answer = await dryRun(client, given);
  if ('refused' in answer) throw new Error(answer.refused);
  expect(backupPolicySpec.parse(given['spec'])).toEqual(answer.accepted['spec']);
});

test('a policy that says the least gets its defaults', async () => {
  const least = withValue(
    ['localCopy', 'objectives', 'verification'].reduce(
      (policy, block) => withValue(policy, `spec.${block}`, undefined),
      good,
    ),
    'spec.schedule',
    { full: '@weekly' },
  );
  const answer = await dryRun(client, least);
  expect(answer).toMatchObject({
    accepted: {
      spec: {
        schedule: { full: '@weekly', timeZone: 'Etc/UTC' },
        localCopy: { size: '10Gi', keep: 2 },
        deadlines: { start: '1h', localCopy: '4h', full: '12h', incremental: '12h', verify: '4h', prune: '1h' },
        repository: { adopt: false },
        source: { mysql: { port: 3306 } },
        suspend: false,
      },
    },
  });
});
