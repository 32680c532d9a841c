import type { BackupPolicySpec } from '../api/v1alpha1/backuppolicy.ts';
import type { Destination } from '../api/v1alpha1/restorerequest.ts';
import type { Source } from '../api/v1alpha1/source.ts';
import type { RestoreInto } from '../api/v1alpha1/task.ts';
import type { DeepReadonly } from '../base/types.ts';
import type { ClaimMount } from './claim-mount.ts';
import { sourceParts } from './sources/registry.ts';
import type { SourceParts } from './sources/source-parts.ts';

/** A server or repository that data is restored to, and where the data goes there. */
export interface RestoreTarget {
  parts: SourceParts;
  into: RestoreInto;
}

type SecretRef = { readonly name: string } | undefined;

/** The source with the account that restores, where the policy names one. */
const withCredentials = (
  { mysql, influxdb, git, ...others }: DeepReadonly<Source>,
  ref: SecretRef,
): DeepReadonly<Source> => {
  if (ref === undefined) return { mysql, influxdb, git, ...others };
  return {
    ...others,
    ...(mysql && { mysql: { ...mysql, credentialsSecretRef: ref } }),
    ...(influxdb && { influxdb: { ...influxdb, credentialsSecretRef: ref } }),
    ...(git && { git: { ...git, credentialsSecretRef: ref } }),
  };
};

const writable = ({ volume, mount, ...claim }: ClaimMount): ClaimMount => {
  const { readOnly: _mount, ...mounted } = mount;
  const { persistentVolumeClaim, ...rest } = volume;
  if (persistentVolumeClaim === undefined) return { volume, mount: mounted, ...claim };
  const { readOnly: _volume, ...source } = persistentVolumeClaim;
  return { ...claim, mount: mounted, volume: { ...rest, persistentVolumeClaim: source } };
};

/** Dumps mount the claims of a source to be read only. */
const toWrite = ({ claims = [], ...parts }: SourceParts): SourceParts => ({ ...parts, claims: claims.map(writable) });

const otherServer = (
  source: DeepReadonly<Source>,
  server: NonNullable<Destination['server']>,
): DeepReadonly<Source> | undefined => {
  if (source.mysql !== undefined && server.mysql !== undefined) {
    const { databases, all, accounts } = source.mysql;
    return { mysql: { ...server.mysql, databases, all, accounts } };
  }
  if (source.influxdb !== undefined && server.influxdb !== undefined)
    return { influxdb: { ...server.influxdb, database: source.influxdb.database } };
  return undefined;
};

/**
 * Where a request's data goes for one policy; undefined for a destination that is no server, or of another kind than the source.
 */
export const restoreTarget = (
  { source, restore }: Pick<BackupPolicySpec, 'source' | 'restore'>,
  destination: Destination,
): RestoreTarget | undefined => {
  const own = withCredentials(source, restore?.credentialsSecretRef);
  const at = (where: DeepReadonly<Source> | undefined, into: RestoreInto): RestoreTarget | undefined => {
    const parts = where === undefined ? undefined : sourceParts(where);
    return parts === undefined ? undefined : { parts: toWrite(parts), into };
  };
  if (destination.inPlace !== undefined) return at(own, { by: 'InPlace' });
  if (destination.newDatabase !== undefined) return at(own, { by: 'Name', name: destination.newDatabase.name });
  if (destination.server !== undefined) return at(otherServer(source, destination.server), { by: 'SameNames' });
  return undefined;
};
