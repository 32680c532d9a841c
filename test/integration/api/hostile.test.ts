import { apiOf } from '../../cluster/api.ts';
import { backupPolicy } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { type StructuralSchema, toStructuralSchema } from '../../../src/crd/structural.ts';
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

const corpus: { value: string; reason: string }[] = [
  { value: '$(touch /tmp/x)', reason: 'a command substitution' },
  { value: '`id`', reason: 'backticks' },
  { value: '; rm -rf /', reason: 'a second command' },
  { value: '--help', reason: 'a long option' },
  { value: '-e', reason: 'a short option' },
  { value: `x' OR '1'='1`, reason: 'SQL' },
  { value: '../../etc/shadow', reason: 'a path out' },
  { value: 'a\nb: c', reason: 'a newline' },
  { value: 'a\0b', reason: 'a NUL' },
  { value: '{{ .Values }}', reason: 'a template' },
  { value: '${HOME} %s %n', reason: 'variables and formats' },
  { value: '\u202Egnp.exe', reason: 'right-to-left' },
  { value: '💾'.repeat(50), reason: 'beyond the basic plane' },
  { value: 'A'.repeat(100_000), reason: 'long' },
];

/** Blocks that are not in the sample, filled as far as they must be. */
const blocks: JsonObject = {
  'source.influxdb': { host: 'db', database: 'telegraf', credentialsSecretRef: { name: 's' } },
  'source.git': {
    url: 'https://git.example.com/ops/ansible.git',
    credentialsSecretRef: { name: 's' },
    caSecretRef: { name: 's' },
  },
  'source.files': { claimName: 'c', paths: ['/a'], exclude: ['*.tmp'] },
  'repository.s3': { endpoint: 'https://s3.example.com', bucket: 'backups', credentialsSecretRef: { name: 's' } },
  'repository.volume': { claimName: 'c' },
  'encryption.passphraseSecretRef': { name: 's' },
};

/** A string below spec; `list` where it is the item of a list. */
interface Place {
  path: string;
  list: boolean;
}

/** All strings but those in lists of objects, which the unit tests cover by their patterns. */
const stringsIn = (schema: StructuralSchema, path: string): Place[] => {
  if (schema.type === 'string') return schema.enum === undefined ? [{ path, list: false }] : [];
  if (schema.items !== undefined) return schema.items.type === 'string' ? [{ path, list: true }] : [];
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => stringsIn(child, `${path}.${name}`));
};

const spec = toStructuralSchema(backupPolicy).properties?.['spec'];
const places = spec === undefined ? [] : stringsIn(spec, 'spec');

/** The sample with the block that holds the path in the place of the sample's own. */
const prepared = (path: string): JsonObject => {
  const [block, filled] = Object.entries(blocks).find(([name]) => path.startsWith(`spec.${name}.`)) ?? [];
  if (block === undefined || filled === undefined) return good;
  const [parent = '', field = ''] = block.split('.');
  return withValue(good, `spec.${parent}`, { [field]: filled });
};

const valueAt = (object: Json | undefined, path: string): Json | undefined =>
  path
    .split('.')
    .reduce<Json | undefined>(
      (value, part) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value[part] : undefined),
      object,
    );

test('there are strings to try', () => {
  expect(places.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['spec.source.mysql.host', 'spec.source.mysql.databases', 'spec.schedule.verify']),
  );
});

/** Where the API server would store the value; anything but a clean refusal or the very value is an error. */
const takenBy = async (value: string): Promise<string[]> => {
  const taken: string[] = [];
  const trial = async ({ path, list }: Place): Promise<void> => {
    const given = list ? [value] : value;
    const answer = await dryRun(client, withValue(prepared(path), path, given));
    if ('refused' in answer) {
      expect({ path, code: answer.code }).toEqual({ path, code: 422 });
      return;
    }
    expect({ path, value: valueAt(answer.accepted, path) }).toEqual({ path, value: given });
    taken.push(path);
  };
  await Promise.all(places.map(trial));
  return taken;
};

test.each(corpus)('no string of the spec takes $reason', async ({ value }) => {
  expect(await takenBy(value)).toEqual([]);
});

test('a name that JavaScript knows is stored as it is where names are free', async () => {
  expect(await takenBy('__proto__')).toEqual(
    expect.arrayContaining(['spec.source.mysql.databases', 'spec.repository.rsync.user']),
  );
});
