import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { PolicyName } from './runs.ts';

/** The sample that demo and tests apply. */
export const agama: PolicyName = { namespace: 'agama', name: 'agama' };

/** The sample for InfluxDB. */
export const telegraf: PolicyName = { namespace: 'telegraf', name: 'telegraf' };

const sampleFile = ({ name }: PolicyName): string =>
  fileURLToPath(new URL(`../../manifests/samples/${name}.yaml`, import.meta.url));

/** A policy as it is applied; tests change parts of it. */
export interface PolicyManifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string };
  spec: {
    source: { mysql: Record<string, unknown> };
    repository: { rsync: Record<string, unknown> };
    encryption: Record<string, unknown>;
    schedule: Record<string, unknown>;
    [block: string]: unknown;
  };
}

/** manifests/samples/agama.yaml with the host key of this cluster's backup host in place of the placeholder. */
export const samplePolicy = async (knownHosts: string): Promise<PolicyManifest> => {
  const policy = parse(await readFile(sampleFile(agama), 'utf8')) as PolicyManifest;
  policy.spec.repository.rsync['knownHosts'] = knownHosts;
  return policy;
};

/** manifests/samples/telegraf.yaml, likewise. */
export const telegrafPolicy = async (
  knownHosts: string,
): Promise<Pick<PolicyManifest, 'apiVersion' | 'kind' | 'metadata'>> => {
  const policy = parse(await readFile(sampleFile(telegraf), 'utf8')) as PolicyManifest;
  policy.spec.repository.rsync['knownHosts'] = knownHosts;
  return policy;
};
