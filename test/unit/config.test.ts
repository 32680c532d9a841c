import { readConfig } from '../../src/config.ts';
import { imageEnvironment, testImages, testSettings } from '../support/operator/images.ts';

const least = { ...imageEnvironment, HOLDFAST_IMAGE_DUPLICITY: 'registry.test/duplicity@sha256:0' };

test('the least that must be said, and what the rest is then', () => {
  expect(readConfig(least)).toEqual({
    images: { ...testImages, duplicity: 'registry.test/duplicity@sha256:0' },
    imagePullPolicy: 'IfNotPresent',
    namespaces: [],
    logLevel: 'info',
    port: 8080,
    workers: 4,
    quiesceWorkloads: false,
    sandboxImages: testSettings.sandboxImages,
    instance: 'holdfast',
    admission: undefined,
    lease: undefined,
  });
});

test('everything said', () => {
  const config = readConfig({
    ...least,
    HOLDFAST_IMAGE_PULL_POLICY: 'Never',
    HOLDFAST_NAMESPACES: 'shop, bank,shop',
    HOLDFAST_LOG_LEVEL: 'debug',
    HOLDFAST_PORT: '0',
    HOLDFAST_WORKERS: '8',
    HOLDFAST_QUIESCE_WORKLOADS: 'Enabled',
    HOLDFAST_SANDBOX_IMAGES: 'mariadb/10.11=registry.test:5000/mariadb:10.11, mysql/8.4=registry.test/mysql@sha256:0',
    HOLDFAST_ADMISSION_NAME: 'second.holdfast',
    HOLDFAST_SERVICE_ACCOUNT: 'system:serviceaccount:holdfast-system:second.holdfast',
    HOLDFAST_RESTORE_SERVICE_ACCOUNTS: 'system:serviceaccount:ops:argo, system:serviceaccount:ops:ci',
    HOLDFAST_CONFIRM_SERVICE_ACCOUNTS: 'system:serviceaccount:ops:duty',
    HOLDFAST_INSTANCE: 'holdfast-7d4b9-x7x7x',
    HOLDFAST_LEASE_NAMESPACE: 'holdfast-system',
    HOLDFAST_LEASE_NAME: 'second.holdfast',
    HOLDFAST_LEASE_SECONDS: '5',
    PATH: '/usr/bin',
  });
  expect(config).toMatchObject({
    imagePullPolicy: 'Never',
    namespaces: ['shop', 'bank'],
    logLevel: 'debug',
    port: 0,
    workers: 8,
    quiesceWorkloads: true,
    sandboxImages: [
      { engine: 'mariadb', release: '10.11', image: 'registry.test:5000/mariadb:10.11' },
      { engine: 'mysql', release: '8.4', image: 'registry.test/mysql@sha256:0' },
    ],
    instance: 'holdfast-7d4b9-x7x7x',
    admission: {
      name: 'second.holdfast',
      accounts: {
        operator: 'system:serviceaccount:holdfast-system:second.holdfast',
        requesters: ['system:serviceaccount:ops:argo', 'system:serviceaccount:ops:ci'],
        confirmers: ['system:serviceaccount:ops:duty'],
      },
    },
    lease: { namespace: 'holdfast-system', name: 'second.holdfast', seconds: 5 },
  });
});

test('the namespace of the Lease is enough for an election', () => {
  const { lease } = readConfig({ ...least, HOLDFAST_LEASE_NAMESPACE: 'holdfast-system' });
  expect(lease).toEqual({ namespace: 'holdfast-system', name: 'holdfast', seconds: 15 });
});

test.each([
  { name: 'HOLDFAST_IMAGE_MYSQL', value: undefined, says: 'set it', reason: 'missing' },
  { name: 'HOLDFAST_IMAGE_MYSQL', value: '', says: 'name of an image', reason: 'empty' },
  { name: 'HOLDFAST_IMAGE_DUPLICITY', value: 'two words', says: 'name of an image', reason: 'a space' },
  { name: 'HOLDFAST_IMAGE_DUPLICITY', value: '-v', says: 'name of an image', reason: 'an option' },
  { name: 'HOLDFAST_IMAGE_PULL_POLICY', value: 'always', says: '"Always"', reason: 'another case' },
  {
    name: 'HOLDFAST_NAMESPACES',
    value: ',',
    says: 'names of namespaces',
    reason: 'no name: it must not mean all of them',
  },
  { name: 'HOLDFAST_NAMESPACES', value: 'shop,', says: 'names of namespaces', reason: 'a name is missing' },
  { name: 'HOLDFAST_NAMESPACES', value: 'shop bank', says: 'names of namespaces', reason: 'no comma' },
  { name: 'HOLDFAST_NAMESPACES', value: '../kube-system', says: 'names of namespaces', reason: 'a path' },
  { name: 'HOLDFAST_QUIESCE_WORKLOADS', value: 'true', says: '"Enabled"', reason: 'another word' },
  { name: 'HOLDFAST_LOG_LEVEL', value: 'verbose', says: '"debug"', reason: 'no such level' },
  { name: 'HOLDFAST_PORT', value: '', says: 'whole number', reason: 'empty: it must not mean any port' },
  { name: 'HOLDFAST_PORT', value: '65536', says: '65535', reason: 'too great' },
  { name: 'HOLDFAST_PORT', value: '8080.5', says: 'whole number', reason: 'no whole number' },
  { name: 'HOLDFAST_PORT', value: '0x50', says: 'whole number', reason: 'not decimal' },
  { name: 'HOLDFAST_WORKERS', value: '0', says: 'whole number from 1', reason: 'nobody would work' },
  { name: 'HOLDFAST_LEASE_NAMESPACE', value: 'a,b', says: 'one namespace', reason: 'two' },
  { name: 'HOLDFAST_LEASE_NAMESPACE', value: 'A', says: 'one namespace', reason: 'a capital' },
  { name: 'HOLDFAST_LEASE_NAME', value: '', says: 'name of a Lease', reason: 'empty' },
  { name: 'HOLDFAST_LEASE_NAME', value: 'a/b', says: 'name of a Lease', reason: 'a path' },
  { name: 'HOLDFAST_LEASE_SECONDS', value: '4', says: 'from 5 to 300', reason: 'too short for a slow answer' },
  { name: 'HOLDFAST_LEASE_SECONDS', value: '301', says: 'from 5 to 300', reason: 'nobody would take over' },
  { name: 'HOLDFAST_ADMISSION_NAME', value: 'a/b', says: 'calls its objects', reason: 'a path' },
  { name: 'HOLDFAST_SERVICE_ACCOUNT', value: 'holdfast', says: 'write system:serviceaccount', reason: 'a bare name' },
  {
    name: 'HOLDFAST_SERVICE_ACCOUNT',
    value: `system:serviceaccount:a:b' || true`,
    says: 'write system:serviceaccount',
    reason: 'an expression',
  },
  {
    name: 'HOLDFAST_CONFIRM_SERVICE_ACCOUNTS',
    value: 'jane',
    says: 'write system:serviceaccount',
    reason: 'a person needs no list',
  },
  {
    name: 'HOLDFAST_RESTORE_SERVICE_ACCOUNTS',
    value: 'system:serviceaccount:a:b,',
    says: 'write system:serviceaccount',
    reason: 'a name is missing',
  },
  { name: 'HOLDFAST_INSTANCE', value: '', says: 'HOLDFAST_INSTANCE', reason: 'empty' },
])('$name = $value is refused by name: $reason', ({ name, value, says }) => {
  const read = (): unknown => readConfig({ ...least, [name]: value });
  expect(read).toThrow(name);
  expect(read).toThrow(says);
});

test('admission without the operator’s account is refused: its policies cannot be told from others', () => {
  expect(() => readConfig({ ...least, HOLDFAST_ADMISSION_NAME: 'holdfast' })).toThrow('HOLDFAST_SERVICE_ACCOUNT');
});

test('everything that is wrong is said at once', () => {
  expect(() => readConfig({ HOLDFAST_PORT: 'x' })).toThrow(
    /HOLDFAST_IMAGE_MYSQL[\s\S]*HOLDFAST_IMAGE_DUPLICITY[\s\S]*HOLDFAST_PORT/,
  );
});
