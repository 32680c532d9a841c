import type { Json } from '../support/operator/policies.ts';

const other = { name: 'other' };
const hostKey = 'other.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbcdefghijklmnopqrstuvwxyz0123456789ABCDEFG';

const mysql = (fields: Json): Json => ({ source: { mysql: fields } });
const influxdb = (fields: Json = {}): Json => ({
  source: { mysql: undefined, influxdb: { host: 'influx.example.com', database: 'telegraf', ...fields } },
});
const git = (fields: Json = {}): Json => ({
  source: { mysql: undefined, git: { url: 'https://git.example.com/ops/ansible.git', ...fields } },
});
const files = (fields: Json = {}): Json => ({
  source: { mysql: undefined, files: { claimName: 'files', ...fields } },
});

const rsync = (fields: Json): Json => ({ repository: { rsync: fields } });
const sftp = (fields: Json = {}): Json => ({
  repository: {
    rsync: undefined,
    sftp: {
      host: 'backup.example.com',
      user: 'backup',
      path: '/home/backup',
      sshSecretRef: other,
      knownHosts: hostKey,
      ...fields,
    },
  },
});
const s3 = (fields: Json = {}): Json => ({
  repository: {
    rsync: undefined,
    s3: { endpoint: 'https://s3.example.com', bucket: 'backups', credentialsSecretRef: other, ...fields },
  },
});
const volume = (fields: Json = {}): Json => ({
  repository: { rsync: undefined, volume: { claimName: 'backups', ...fields } },
});

const verifying = (fields: Json = {}): Json => ({
  schedule: { verify: '0 3 * * 0' },
  encryption: { gpg: { privateKeySecretRef: other } },
  ...fields,
});
const sandbox = (fields: Json): Json => verifying({ verification: { sandbox: fields } });
const queries = verifying({
  verification: { queries: [{ query: 'SELECT count(*) FROM customers', expect: '3' }] },
});
const workloads = [{ kind: 'Deployment', name: 'shop' }];

/**
 * For each field of a BackupPolicy's spec another valid value, with what must come and go beside it; laid over the sample spec of the
 * tests.
 */
export const samples: Readonly<Record<string, Json>> = {
  'source.mysql.host': mysql({ host: 'other.example.com' }),
  'source.mysql.port': mysql({ port: 3307 }),
  'source.mysql.databases[]': mysql({ databases: ['agama', 'shop'] }),
  'source.mysql.accounts': mysql({ accounts: true }),
  'source.mysql.all': mysql({ databases: undefined, all: true }),
  'source.mysql.credentialsSecretRef.name': mysql({ credentialsSecretRef: other }),
  'source.mysql.tls.caSecretRef.name': mysql({ tls: { caSecretRef: other } }),
  'source.mysql.tls.clientCertificateSecretRef.name': mysql({ tls: { clientCertificateSecretRef: other } }),
  'source.influxdb.host': influxdb(),
  'source.influxdb.rpcPort': influxdb({ rpcPort: 9088 }),
  'source.influxdb.httpPort': influxdb({ httpPort: 9086 }),
  'source.influxdb.database': influxdb(),
  'source.influxdb.credentialsSecretRef.name': influxdb({ credentialsSecretRef: other }),
  'source.git.url': git(),
  'source.git.credentialsSecretRef.name': git({ credentialsSecretRef: other }),
  'source.git.knownHosts': git({
    url: 'git@git.example.com:ops/ansible.git',
    credentialsSecretRef: other,
    knownHosts: hostKey,
  }),
  'source.git.caSecretRef.name': git({ caSecretRef: other }),
  'source.git.claimName': git({ url: '/ops/ansible.git', claimName: 'repositories' }),
  'source.files.claimName': files(),
  'source.files.paths[]': files({ paths: ['/srv', '/etc'] }),
  'source.files.exclude[]': files({ exclude: ['*.tmp'] }),
  'source.files.runAs': files({ runAs: 1000 }),
  'repository.rsync.host': rsync({ host: 'other.example.com' }),
  'repository.rsync.port': rsync({ port: 2222 }),
  'repository.rsync.user': rsync({ user: 'other' }),
  'repository.rsync.path': rsync({ path: '/srv/backup' }),
  'repository.rsync.sshSecretRef.name': rsync({ sshSecretRef: other }),
  'repository.rsync.knownHosts': rsync({ knownHosts: hostKey }),
  'repository.sftp.host': sftp(),
  'repository.sftp.port': sftp({ port: 2222 }),
  'repository.sftp.user': sftp(),
  'repository.sftp.path': sftp(),
  'repository.sftp.sshSecretRef.name': sftp(),
  'repository.sftp.knownHosts': sftp(),
  'repository.s3.endpoint': s3(),
  'repository.s3.region': s3({ region: 'eu-north-1' }),
  'repository.s3.bucket': s3(),
  'repository.s3.prefix': s3({ prefix: 'shop' }),
  'repository.s3.credentialsSecretRef.name': s3(),
  'repository.s3.caRef.name': s3({ caRef: other }),
  'repository.volume.claimName': volume(),
  'repository.volume.path': volume({ path: '/backups' }),
  'repository.adopt': { repository: { adopt: true } },
  'encryption.gpg.publicKeySecretRef.name': { encryption: { gpg: { publicKeySecretRef: other } } },
  'encryption.gpg.privateKeySecretRef.name': verifying(),
  'encryption.passphraseSecretRef.name': { encryption: { gpg: undefined, passphraseSecretRef: other } },
  'encryption.none': { encryption: { gpg: undefined, none: {} } },
  'schedule.timeZone': { schedule: { timeZone: 'Etc/UTC' } },
  'schedule.localCopy': { schedule: { localCopy: '30 0 * * *' } },
  'schedule.full': { schedule: { full: '35 2 * * 3' } },
  'schedule.incremental': { schedule: { incremental: undefined } },
  'schedule.verify': verifying(),
  'schedule.window.start': { schedule: { window: { start: '01:00', duration: '30m' } } },
  'schedule.window.duration': { schedule: { window: { start: '01:00', duration: '45m' } } },
  'schedule.window.enforce': { schedule: { window: { start: '01:00', duration: '30m', enforce: true } } },
  'localCopy.size': { localCopy: { size: '20Gi' } },
  'localCopy.storageClassName': { localCopy: { storageClassName: 'other' } },
  'localCopy.keep': { localCopy: { keep: 5 } },
  'deadlines.start': { deadlines: { start: '2h' } },
  'deadlines.localCopy': { deadlines: { localCopy: '2h' } },
  'deadlines.full': { deadlines: { full: '2h' } },
  'deadlines.incremental': { deadlines: { incremental: '2h' } },
  'deadlines.verify': verifying({ deadlines: { verify: '2h' } }),
  'deadlines.restore': { deadlines: { restore: '2h' } },
  'deadlines.prune': { retention: { keepFor: '4w' }, deadlines: { prune: '2h' } },
  'objectives.recoveryPointObjective': { objectives: { recoveryPointObjective: '26h' } },
  'objectives.recoveryTimeObjective': { objectives: { recoveryTimeObjective: '2h' } },
  'objectives.backupDurationObjective': { objectives: { backupDurationObjective: '1h' } },
  'retention.keepFor': { retention: { keepFor: '4w' } },
  'retention.keepFullChains': { retention: { keepFullChains: 4 } },
  'retention.freezeOnShrink': { retention: { keepFor: '4w', freezeOnShrink: 30 } },
  'verification.sandbox.image': sandbox({ image: 'registry.test/mariadb:11.4' }),
  'verification.sandbox.resources.requests.cpu': sandbox({ resources: { requests: { cpu: '500m' } } }),
  'verification.sandbox.resources.requests.memory': sandbox({ resources: { requests: { memory: '256Mi' } } }),
  'verification.sandbox.resources.limits.cpu': sandbox({ resources: { limits: { cpu: '2' } } }),
  'verification.sandbox.resources.limits.memory': sandbox({ resources: { limits: { memory: '1Gi' } } }),
  'verification.sandbox.storage': sandbox({ storage: '20Gi' }),
  'verification.points': verifying({ verification: { points: 'LatestAndRandom' } }),
  'verification.queries[].query': queries,
  'verification.queries[].expect': queries,
  'restore.confirmation': { restore: { confirmation: 'TwoPersons' } },
  'restore.workloads[].kind': { restore: { workloads } },
  'restore.workloads[].name': { restore: { workloads } },
  'restore.external': { restore: { external: 'systemctl stop import' } },
  'restore.credentialsSecretRef.name': { restore: { credentialsSecretRef: { name: 'restorer' } } },
  'restore.keepSafetyCopyFor': { restore: { keepSafetyCopyFor: '2w' } },
  'quiesce.readOnly': { quiesce: { readOnly: {} } },
  'quiesce.workloads[].kind': { quiesce: { workloads } },
  'quiesce.workloads[].name': { quiesce: { workloads } },
  'podTemplate.resources.requests.cpu': { podTemplate: { resources: { requests: { cpu: '500m' } } } },
  'podTemplate.resources.requests.memory': { podTemplate: { resources: { requests: { memory: '256Mi' } } } },
  'podTemplate.resources.limits.cpu': { podTemplate: { resources: { limits: { cpu: '2' } } } },
  'podTemplate.resources.limits.memory': { podTemplate: { resources: { limits: { memory: '1Gi' } } } },
  'podTemplate.nodeSelector': { podTemplate: { nodeSelector: { 'kubernetes.io/arch': 'amd64' } } },
  'podTemplate.priorityClassName': { podTemplate: { priorityClassName: 'backup' } },
  'egressCIDRs[]': { egressCIDRs: ['192.0.2.0/24'] },
  suspend: { suspend: true },
};
