import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { ScenarioKeys } from './keys.ts';
import type { PolicyName } from './runs.ts';
import { gitHost, knownHostsLine } from './servers.ts';

/** The samples that demo and tests apply: each in a namespace of its own name. */
export const agama: PolicyName = { namespace: 'agama', name: 'agama' };
export const telegraf: PolicyName = { namespace: 'telegraf', name: 'telegraf' };
export const ansible: PolicyName = { namespace: 'ansible', name: 'ansible' };

/** A policy as it is applied; tests change parts of it. */
export interface PolicyManifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string };
  spec: {
    source: { mysql: Record<string, unknown>; [engine: string]: Record<string, unknown> };
    repository: { rsync: Record<string, unknown> };
    encryption: Record<string, unknown>;
    schedule: Record<string, unknown>;
    [block: string]: unknown;
  };
}

const sampleFile = (name: string): string =>
  fileURLToPath(new URL(`../../manifests/samples/${name}.yaml`, import.meta.url));

/** A file of manifests/samples with the host key of this cluster's backup host in place of the placeholder. */
const samplePolicy = async ({ name }: PolicyName, keys: ScenarioKeys): Promise<PolicyManifest> => {
  const policy = parse(await readFile(sampleFile(name), 'utf8')) as PolicyManifest;
  policy.spec.repository.rsync['knownHosts'] = knownHostsLine(keys);
  return policy;
};

export const agamaPolicy = (keys: ScenarioKeys): Promise<PolicyManifest> => samplePolicy(agama, keys);

export const telegrafPolicy = (keys: ScenarioKeys): Promise<PolicyManifest> => samplePolicy(telegraf, keys);

/** Likewise; the git server of the sample is the scenario's, in a namespace. */
export const ansiblePolicy = async (keys: ScenarioKeys, namespace = ansible.namespace): Promise<PolicyManifest> => {
  const policy = await samplePolicy(ansible, keys);
  const host = `${gitHost.name}.${namespace}.svc`;
  policy.spec.source['git'] = {
    ...policy.spec.source['git'],
    url: `ssh://git@${host}:${gitHost.port}${gitHost.repository}`,
    knownHosts: knownHostsLine(keys, host, gitHost.port),
  };
  return policy;
};

/** manifests/samples/volume.yaml as it is: its repository is a claim. */
export const volumeSample = async (): Promise<Omit<PolicyManifest, 'spec'> & { spec: Record<string, unknown> }> =>
  parse(await readFile(sampleFile('volume'), 'utf8'));
