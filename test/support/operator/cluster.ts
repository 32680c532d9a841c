import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRecord, type KubeObject } from '../../../src/kube/types.ts';
import { apiOf } from '../../cluster/api.ts';
import type { ControlPlane, ControlPlaneOptions } from '../../cluster/control-plane.ts';
import { startPlaneWithCrds } from '../../cluster/crds.ts';
import { policyManifest, type PolicyOptions } from './policies.ts';
import { get as readObjects } from './read.ts';

/** One write, as the API server's audit log has it. */
export interface Write {
  verb: string;
  /** `cronjobs/agama-full`, `backuppolicies/agama/status`. */
  what: string;
  namespace: string;
  code: number;
}

/** A control plane with the CRD in it, and an audit log of every write. */
export interface OperatorCluster {
  plane: ControlPlane;
  /** What kubectl gets with these arguments, read as JSON; kubectl itself is not started. */
  get(...args: string[]): Promise<KubeObject>;
  /** All of a kind in a namespace. */
  list(namespace: string, kind: string, ...args: string[]): Promise<KubeObject[]>;
  apply(...objects: readonly object[]): Promise<void>;
  policy(options: PolicyOptions): Promise<void>;
  namespace(name: string, labels?: Record<string, string>): Promise<void>;
  /** What the operator wrote, or tried to write, since the mark. */
  writes(since?: number): Promise<Write[]>;
  /** What the user of this name wrote, or tried to write, since the mark, Leases and all. */
  writesBy(user: string, since?: number): Promise<Write[]>;
  /** The place in the audit log as it is now. */
  mark(): Promise<number>;
  stop(): Promise<void>;
}

const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'] }, { level: 'None' }],
};

type Entry = Record<string, unknown>;

const readWrite = (line: string, counts: (entry: Entry) => boolean): Write[] => {
  const entry: unknown = JSON.parse(line);
  if (!isRecord(entry) || !counts(entry)) return [];
  const object = isRecord(entry['objectRef']) ? entry['objectRef'] : {};
  const status = isRecord(entry['responseStatus']) ? entry['responseStatus'] : {};
  const parts = [object['resource'], object['name'], object['subresource']].filter((part) => typeof part === 'string');
  return [
    {
      verb: String(entry['verb']),
      what: parts.join('/'),
      namespace: String(object['namespace'] ?? ''),
      code: Number(status['code']),
    },
  ];
};

/** Starts a control plane, with the CRD and the audit log. */
export const startOperatorCluster = async (options: ControlPlaneOptions = {}): Promise<OperatorCluster> => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-audit-'));
  const auditLog = join(directory, 'audit.log');
  const removeDirectory = (): Promise<void> => rm(directory, { recursive: true, force: true });
  await writeFile(join(directory, 'policy.json'), JSON.stringify(auditPolicy));
  const plane = await startPlaneWithCrds({
    ...options,
    apiserverArguments: [`--audit-policy-file=${join(directory, 'policy.json')}`, `--audit-log-path=${auditLog}`],
  }).catch(async (error: unknown) => {
    await removeDirectory();
    throw error;
  });
  const { kubectl } = plane;
  const readLog = (): Promise<string> => readFile(auditLog, 'utf8');
  const writesOf = async (since: number, counts: (entry: Entry) => boolean): Promise<Write[]> => {
    const lines = (await readLog()).slice(since).split('\n');
    return lines.filter((line) => line !== '').flatMap((line) => readWrite(line, counts));
  };
  const api = apiOf(plane.kubeconfig);
  const get = (...args: string[]): Promise<KubeObject> => readObjects(api, ...args);
  const apply = async (...objects: readonly object[]): Promise<void> => {
    const list = { apiVersion: 'v1', kind: 'List', items: objects };
    await kubectl(['apply', '--server-side', '--field-manager=a-person', '--filename', '-'], {
      input: JSON.stringify(list),
    });
  };
  return {
    plane,
    get,
    async list(namespace, kind, ...args) {
      const { items } = await get(kind, '--namespace', namespace, ...args);
      return Array.isArray(items) ? items : [];
    },
    apply,
    policy: (policy) => apply(policyManifest(policy)),
    namespace: (name, labels = {}) => apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }),
    writes: (since = 0) => writesOf(since, ({ userAgent }) => userAgent === 'holdfast'),
    writesBy: (name, since = 0) => writesOf(since, ({ user }) => isRecord(user) && user['username'] === name),
    mark: async () => (await readLog()).length,
    async stop() {
      api.close();
      await plane.stop();
      await removeDirectory();
    },
  };
};

/** Waits until `look` gives something. @throws Error with what was there instead, or what went wrong */
export const eventually = async <T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  limitMs = 20_000,
): Promise<T> => {
  const endMs = Date.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > endMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
};

/** Some seconds in which nothing should happen. */
export const quietly = (seconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** A condition of a policy. */
export const conditionOf = ({ status }: KubeObject, type: string): Record<string, unknown> | undefined => {
  const conditions = isRecord(status) && Array.isArray(status['conditions']) ? status['conditions'] : [];
  return conditions.filter(isRecord).find((condition) => condition['type'] === type);
};
