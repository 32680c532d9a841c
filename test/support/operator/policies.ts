import { apiVersion, backupPolicySpec } from '../../../src/api/v1alpha1/backuppolicy.ts';

import type { KubeObject } from '../../../src/kube/types.ts';
import { placeOf, subjectOf } from '../../../src/workloads/subject.ts';

/** Any JSON object, as a person writes it. */
export type Json = { [field: string]: unknown };

const isPlain = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `base` with `changes` laid over it, block by block; a field that is `undefined` is not there once it is JSON. */
export const overlay = (base: Json, changes: Json): Json =>
  Object.fromEntries(
    Object.entries({ ...base, ...changes }).map(([field, value]) => {
      const old = base[field];
      return [field, field in changes && isPlain(value) && isPlain(old) ? overlay(old, value) : value];
    }),
  );

const asJson = (value: Json): Json => JSON.parse(JSON.stringify(value));

const knownHosts =
  'backup.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4v1XaL9Yy2xX5vQm8Gk2eM0b5bq2pQf1n3rQ8x7y9z';

/** A spec that this version carries out whole: three kinds of runs, rsync, encrypted to a key. */
export const sampleSpec = {
  source: {
    mysql: { host: 'db.example.com', databases: ['agama'], credentialsSecretRef: { name: 'agama-mysql' } },
  },
  repository: {
    rsync: {
      host: 'backup.example.com',
      user: 'backup',
      path: '/home/backup',
      sshSecretRef: { name: 'backup-ssh' },
      knownHosts,
    },
  },
  encryption: { gpg: { publicKeySecretRef: { name: 'backup-key' } } },
  schedule: {
    timeZone: 'Europe/Tallinn',
    localCopy: '0 1 * * *',
    full: '5 1 * * 0',
    incremental: '10 1 * * 1-6',
  },
  objectives: { recoveryPointObjective: '25h', recoveryTimeObjective: '1h' },
} as const;

/** Where a policy of the tests stores, and what evidence has to be about to count for it. */
export const placeOfSpec = (spec: Json = {}) => placeOf(backupPolicySpec.parse(asJson(overlay(sampleSpec, spec))));
export const subjectOfSpec = (spec: Json = {}) => subjectOf(backupPolicySpec.parse(asJson(overlay(sampleSpec, spec))));

/** What a policy of the tests is like. */
export interface PolicyOptions {
  name?: string;
  namespace?: string;
  uid?: string;
  generation?: number;
  /** Laid over the sample spec. */
  spec?: Json;
  status?: unknown;
}

/** A BackupPolicy as a person applies it. */
export const policyManifest = ({ name = 'agama', namespace = 'shop', spec = {} }: PolicyOptions = {}) => ({
  apiVersion,
  kind: 'BackupPolicy',
  metadata: { name, namespace },
  spec: asJson(overlay(sampleSpec, spec)),
});

/** A BackupPolicy as the API server sends it. */
export const rawPolicy = (options: PolicyOptions = {}): KubeObject => {
  const { uid = 'policy-uid', generation = 1, status } = options;
  const manifest = policyManifest(options);
  return {
    ...manifest,
    metadata: {
      ...manifest.metadata,
      uid,
      generation,
      resourceVersion: '100',
      creationTimestamp: '2026-11-01T00:00:00Z',
    },
    ...(status === undefined ? {} : { status }),
  };
};
