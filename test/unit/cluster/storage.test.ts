import type { V1PersistentVolume, V1PersistentVolumeClaim } from '@kubernetes/client-node';
import { bytesOf, planProvisions, planRemovals, PROVISIONER } from '../../cluster/embedded/storage.ts';

type Changes = { className?: string; node?: string; volumeName?: string; phase?: string; deleted?: boolean };

const claim = ({
  className = 'standard',
  node = 'node1',
  volumeName,
  phase = 'Pending',
  deleted = false,
}: Changes = {}) =>
  ({
    metadata: {
      name: 'data',
      namespace: 'shop',
      uid: 'u1',
      annotations: node === '' ? {} : { 'volume.kubernetes.io/selected-node': node },
      ...(deleted ? { deletionTimestamp: new Date(0) } : {}),
    },
    spec: {
      storageClassName: className,
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '20Mi' } },
      ...(volumeName === undefined ? {} : { volumeName }),
    },
    status: { phase },
  }) satisfies V1PersistentVolumeClaim;

describe('volumes to make', () => {
  test('a directory of the node, bound to its claim', () => {
    const [made] = planProvisions([claim()], [], '/v');
    expect(made).toMatchObject({
      directory: '/v/pvc-u1',
      limitBytes: undefined,
      volume: {
        metadata: { name: 'pvc-u1' },
        spec: {
          local: { path: '/v/pvc-u1' },
          capacity: { storage: '20Mi' },
          claimRef: { namespace: 'shop', name: 'data', uid: 'u1' },
          persistentVolumeReclaimPolicy: 'Delete',
        },
      },
    });
  });

  test('the limited class holds what was asked for', () => {
    expect(planProvisions([claim({ className: 'size-limited' })], [], '/v')[0]?.limitBytes).toBe(20 * 1024 * 1024);
  });

  test.each([
    { changes: { className: 'other' }, reason: 'another class' },
    { changes: { node: '' }, reason: 'no pod wants it yet' },
    { changes: { node: 'elsewhere' }, reason: 'another node' },
    { changes: { volumeName: 'x' }, reason: 'it asks for a volume by name' },
    { changes: { phase: 'Bound' }, reason: 'it has one' },
    { changes: { deleted: true }, reason: 'it is being deleted' },
  ])('none: $reason', ({ changes }) => {
    expect(planProvisions([claim(changes)], [], '/v')).toEqual([]);
  });

  test('none twice', () => {
    const [made] = planProvisions([claim()], [], '/v');
    expect(made).toBeDefined();
    expect(planProvisions([claim()], made === undefined ? [] : [made.volume], '/v')).toEqual([]);
  });
});

const volume = (phase: string, policy = 'Delete', owner = PROVISIONER): V1PersistentVolume => ({
  metadata: { name: 'pvc-u1', annotations: { 'pv.kubernetes.io/provisioned-by': owner } },
  spec: { local: { path: '/v/pvc-u1' }, persistentVolumeReclaimPolicy: policy },
  status: { phase },
});

describe('volumes to remove', () => {
  test.each([
    { volume: volume('Released'), removed: 1, reason: 'its claim is gone' },
    { volume: volume('Bound'), removed: 0, reason: 'in use' },
    { volume: volume('Released', 'Retain'), removed: 0, reason: 'to be kept' },
    { volume: volume('Released', 'Delete', 'other'), removed: 0, reason: 'not ours' },
  ])('$removed: $reason', (row) => {
    expect(planRemovals([row.volume])).toHaveLength(row.removed);
  });
});

test.each([
  ['0', 0],
  ['1024', 1024],
  ['20Mi', 20 * 1024 ** 2],
  ['1.5Gi', 1.5 * 1024 ** 3],
  ['10k', 10_000],
  ['2G', 2e9],
  ['1e6', 1e6],
  ['1500m', 2],
])('%s is %d bytes', (quantity, bytes) => {
  expect(bytesOf(quantity)).toBe(bytes);
});

test.each(['', 'Mi', '-1', '1 Mi', '1KB', '1e'])('%j is no quantity', (quantity) => {
  expect(() => bytesOf(quantity)).toThrow(RangeError);
});
