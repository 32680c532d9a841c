import type { BackupPolicySpec } from '../api/v1alpha1/backuppolicy.ts';
import type { StoredIn, Subject } from '../api/v1alpha1/recovery-points.ts';
import { shortDigestOf } from '../base/short-digest.ts';
import { encryptionWords } from './encryption.ts';
import { repositoryParts } from './repositories/registry.ts';
import { sourceParts } from './sources/registry.ts';

/** A place to store backups, as a policy names it. */
export type Place = Omit<StoredIn, 'since'>;

/** Where a policy stores backups, in words that no other place has. */
export const placeOf = ({ repository, encryption }: Pick<BackupPolicySpec, 'repository' | 'encryption'>): Place => ({
  repository: repositoryParts(repository)?.identity ?? 'a repository that is not available',
  encryption: encryptionWords(encryption),
});

/** Digest of a place, as tasks and results carry it. */
export const placeDigest = ({ repository, encryption }: Place): string => shortDigestOf([repository, encryption]);

/** Digest of what a policy backs up, as copies and sets carry it. What signs in there does not count. */
export const sourceDigestOf = ({ source }: Pick<BackupPolicySpec, 'source'>): string => {
  const parts = sourceParts(source);
  return shortDigestOf([parts?.image, parts?.about]);
};

/**
 * What evidence has to be about to count for a policy: green means proven of what the spec names now, and not of what it named before. Pure.
 */
export const subjectOf = (spec: Pick<BackupPolicySpec, 'source' | 'repository' | 'encryption'>): Subject => ({
  source: sourceDigestOf(spec),
  repository: placeDigest(placeOf(spec)),
});
