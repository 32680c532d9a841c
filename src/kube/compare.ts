import { canonical } from '../base/canonical.ts';
import { createHash } from 'node:crypto';
import { isRecord, type Manifest } from './types.ts';
import { sameQuantity } from './quantity.ts';

/**
 * Lists that the API server merges by a key (`x-kubernetes-list-type: map`), by the name of their field: the key fields.
 * Elements that others add to them (sidecars, injected volumes) are none of our business. All other lists are atomic.
 * From the struct tags of k8s.io/api; a kind of one's own with such a list must use one of these names, or be atomic.
 */
const keyedLists: ReadonlyMap<string, readonly string[]> = new Map([
  ['containers', ['name']],
  ['initContainers', ['name']],
  ['volumes', ['name']],
  ['env', ['name']],
  ['imagePullSecrets', ['name']],
  ['volumeMounts', ['mountPath']],
  ['volumeDevices', ['devicePath']],
  ['hostAliases', ['ip']],
  ['topologySpreadConstraints', ['topologyKey', 'whenUnsatisfiable']],
  ['ownerReferences', ['uid']],
  ['conditions', ['type']],
]);
const setLists: ReadonlySet<string> = new Set(['finalizers']);
// Maps that vanish when empty; an empty struct (`emptyDir: {}`) stays, and its absence is a difference.
const emptyMaps: ReadonlySet<string> = new Set([
  'labels',
  'annotations',
  'nodeSelector',
  'matchLabels',
  'data',
  'binaryData',
  'limits',
  'requests',
  'resources',
]);
const quantityFields: ReadonlySet<string> = new Set(['limits', 'requests', 'capacity', 'hard', 'sizeLimit', 'divisor']);

/** SHA-256 over the manifest with its keys in order, so that the order in which it was built does not count. */
export function appliedHash(desired: Manifest): string {
  return createHash('sha256').update(canonical(desired)).digest('hex').slice(0, 32);
}

/**
 * The path of the first field of `desired` that `observed` does not have as desired; undefined when all are there. Fields
 * that only `observed` has are defaults or other writers' and do not count. Pure.
 */
export function firstDifference(desired: unknown, observed: unknown): string | undefined {
  return differs(desired, observed, []);
}

type Path = readonly string[];

function differs(desired: unknown, observed: unknown, path: Path): string | undefined {
  if (isUnset(desired, path)) return isUnset(observed, path) ? undefined : leftOver(desired, observed, path);
  if (Array.isArray(desired)) return listDiffers(desired, observed, path);
  if (isRecord(desired)) return recordDiffers(desired, observed, path);
  if (desired === observed) return undefined;
  return isQuantity(path) && sameQuantity(desired, observed) ? undefined : show(path);
}

// The server leaves out empty values, and fills others in: `null`, `[]` or `{}` ask for nothing in particular.
function leftOver(desired: unknown, observed: unknown, path: Path): string | undefined {
  if (desired === null || desired === undefined || isRecord(desired)) return undefined;
  return desired === observed ? undefined : show(path);
}

function recordDiffers(desired: Record<string, unknown>, observed: unknown, path: Path): string | undefined {
  if (!isRecord(observed)) return show(path);
  for (const [name, value] of Object.entries(desired)) {
    const difference = differs(value, observed[name], [...path, name]);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function listDiffers(desired: readonly unknown[], observed: unknown, path: Path): string | undefined {
  if (!Array.isArray(observed)) return show(path);
  const field = path.at(-1) ?? '';
  if (setLists.has(field)) return desired.every((item) => observed.includes(item)) ? undefined : show(path);
  const keys = keyedLists.get(field);
  if (keys !== undefined && desired.every(isRecord)) return keyedListDiffers(desired, observed, keys, path);
  if (desired.length !== observed.length) return show(path);
  return firstOf(desired, (item, index) => differs(item, observed[index], [...path, String(index)]));
}

function keyedListDiffers(
  desired: readonly Record<string, unknown>[],
  observed: readonly unknown[],
  keys: readonly string[],
  path: Path,
): string | undefined {
  const keyOf = (item: unknown): string => (isRecord(item) ? JSON.stringify(keys.map((key) => item[key])) : '');
  const byKey = new Map(observed.map((item) => [keyOf(item), item]));
  const missing = firstOf(desired, (item) => differs(item, byKey.get(keyOf(item)), [...path, keyOf(item)]));
  if (missing !== undefined) return missing;
  // Init containers run in their order, later variables may refer to earlier ones: ours must come as desired.
  const wanted = desired.map(keyOf);
  const found = observed.map(keyOf).filter((key) => wanted.includes(key));
  return wanted.every((key, index) => key === found[index]) ? undefined : show(path);
}

function firstOf<T>(
  items: readonly T[],
  difference: (item: T, index: number) => string | undefined,
): string | undefined {
  for (const [index, item] of items.entries()) {
    const found = difference(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isUnset(value: unknown, path: Path): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return isRecord(value) && Object.keys(value).length === 0 && emptyMaps.has(path.at(-1) ?? '');
}

function isQuantity(path: Path): boolean {
  return path.slice(-2).some((name) => quantityFields.has(name));
}

function show(path: Path): string {
  return path.length === 0 ? '(whole)' : path.join('.');
}
