import { backupPolicySpec } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { placeOf, subjectOf } from '../../../src/workloads/subject.ts';
import { overlay, sampleSpec, type Json } from '../../support/operator/policies.ts';

const specOf = (changes: Json) => backupPolicySpec.parse(JSON.parse(JSON.stringify(overlay(sampleSpec, changes))));
const base = subjectOf(specOf({}));

test.each<{ reason: string; changes: Json; source?: true; repository?: true }>([
  { reason: 'another server', changes: { source: { mysql: { host: 'other.example.com' } } }, source: true },
  { reason: 'another port', changes: { source: { mysql: { port: 3307 } } }, source: true },
  { reason: 'a database more', changes: { source: { mysql: { databases: ['agama', 'b'] } } }, source: true },
  { reason: 'all databases', changes: { source: { mysql: { databases: undefined, all: true } } }, source: true },
  { reason: 'accounts too', changes: { source: { mysql: { accounts: true } } }, source: true },
  {
    reason: 'another engine',
    changes: { source: { mysql: undefined, influxdb: { host: 'db.example.com', database: 'agama' } } },
    source: true,
  },
  {
    reason: 'a git repository',
    changes: { source: { mysql: undefined, git: { url: 'https://git.example.com/ops/ansible.git' } } },
    source: true,
  },
  { reason: 'who signs in', changes: { source: { mysql: { credentialsSecretRef: { name: 'other' } } } } },
  { reason: 'how the server proves itself', changes: { source: { mysql: { tls: {} } } } },
  { reason: 'another host', changes: { repository: { rsync: { host: 'other.example.com' } } }, repository: true },
  { reason: 'another path', changes: { repository: { rsync: { path: '/srv' } } }, repository: true },
  { reason: 'another account', changes: { repository: { rsync: { user: 'other' } } }, repository: true },
  { reason: 'a claim', changes: { repository: { rsync: undefined, volume: { claimName: 'nfs' } } }, repository: true },
  { reason: 'another SSH key', changes: { repository: { rsync: { sshSecretRef: { name: 'other' } } } } },
  { reason: 'that a directory is taken over', changes: { repository: { adopt: true } } },
  {
    reason: 'another public key',
    changes: { encryption: { gpg: { publicKeySecretRef: { name: 'other' } } } },
    repository: true,
  },
  {
    reason: 'another private key',
    changes: { encryption: { gpg: { privateKeySecretRef: { name: 'other' } } } },
    repository: true,
  },
  { reason: 'no encryption', changes: { encryption: { gpg: undefined, none: {} } }, repository: true },
  { reason: 'when it runs', changes: { schedule: { full: '0 3 * * 0' } } },
  { reason: 'what is promised', changes: { objectives: { recoveryPointObjective: '48h' } } },
])('what evidence is about: $reason', ({ changes, source = false, repository = false }) => {
  const subject = subjectOf(specOf(changes));
  expect([subject.source !== base.source, subject.repository !== base.repository]).toEqual([source, repository]);
});

test('the order of databases says nothing', () => {
  const [a, b] = [
    ['agama', 'billing'],
    ['billing', 'agama'],
  ].map((databases) => subjectOf(specOf({ source: { mysql: { databases } } })));
  expect(a).toEqual(b);
});

test('a place is named in words that people know', () => {
  expect(placeOf(specOf({}))).toEqual({
    repository: 'rsync://backup@backup.example.com:22//home/backup',
    encryption: 'gpg keys of the Secrets backup-key and (none)',
  });
});
