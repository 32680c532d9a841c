import type { BackupPolicySpec } from '../api/v1alpha1/backuppolicy.ts';
import type { Destination, RestoreRequestSpec } from '../api/v1alpha1/restorerequest.ts';
import type { DeepReadonly } from '../base/types.ts';
import { decryptionOf } from '../workloads/encryption.ts';
import { repositoryParts } from '../workloads/repositories/registry.ts';
import { restoreTarget } from '../workloads/restore-target.ts';
import { chooseSandboxImage } from '../workloads/sandbox-images.ts';
import { sandboxParts } from '../workloads/sandboxes/registry.ts';
import type { WorkloadSettings } from '../workloads/settings.ts';

type Settings = Pick<WorkloadSettings, 'quiesceWorkloads' | 'sandboxImages'>;

const databaseCount = ({ mysql, influxdb }: DeepReadonly<BackupPolicySpec>['source']): number | 'unknown' => {
  if (influxdb !== undefined) return 1;
  return mysql?.databases?.length ?? 'unknown';
};

const destinationProblem = (
  spec: DeepReadonly<BackupPolicySpec>,
  destination: Destination,
  { quiesceWorkloads, sandboxImages }: Settings,
): string | undefined => {
  const { source, restore } = spec;
  if (destination.volume !== undefined) return undefined;
  if (destination.sandbox !== undefined) {
    const server = sandboxParts(source)?.server;
    if (server === undefined) return undefined;
    const asked = { engines: server.engines, image: spec.verification?.sandbox.image, server: undefined };
    return chooseSandboxImage(sandboxImages, asked) === undefined
      ? 'the operator has no image of a scratch server for its engine (chart value verification.sandboxImages)'
      : undefined;
  }
  if (source.git !== undefined && destination.inPlace === undefined)
    return 'a git repository goes in place, onto a volume, or into a sandbox';
  if (destination.newDatabase !== undefined && databaseCount(source) !== 1)
    return 'destination.newDatabase is for a backup of one database, and this policy backs up several, or all: use server or volume';
  if (destination.inPlace !== undefined && (restore?.workloads ?? []).length > 0 && !quiesceWorkloads)
    return 'its restore.workloads cannot be stopped, since this operator was not given that right: install it with the chart’s value quiesce.enabled=true';
  return restoreTarget(spec, destination) === undefined
    ? 'destination.server must have the block of the kind of server that the policy backs up'
    : undefined;
};

/** Why a policy's backups cannot go where a request asks for, whatever they hold; undefined: they can. Pure. */
export const unsuitable = (
  spec: DeepReadonly<BackupPolicySpec>,
  { destination, safetyCopyOf }: Pick<RestoreRequestSpec, 'destination' | 'safetyCopyOf'>,
  settings: Settings,
): string | undefined => {
  // A safety copy lies at the destination: no repository is read, and no key.
  if (safetyCopyOf !== undefined) return destinationProblem(spec, destination, settings);
  if (repositoryParts(spec.repository) === undefined) return 'its kind of repository is not available yet';
  if (decryptionOf(spec.encryption) === undefined)
    return 'encryption.gpg.privateKeySecretRef is not set, and what is stored cannot be opened without the private key';
  if (sandboxParts(spec.source) === undefined) return 'its kind of source is not available yet';
  return destinationProblem(spec, destination, settings);
};
