import { parseGitUrl } from '../../api/v1alpha1/sources/git-url.ts';
import type { GitSource, GitTask } from '../../api/v1alpha1/sources/git.ts';
import { mountClaim, type ClaimMount } from '../claim-mount.ts';
import { mountSecret, type SecretMount } from '../secrets.ts';
import type { SourceParts } from './source-parts.ts';

const mounted = ({ directory, secret }: SecretMount) => ({ directory, secret });

/** What a git source adds to the dump container; undefined where the spec lacks what its kind of address needs. */
export const gitDump = (git: GitSource): SourceParts | undefined => {
  const parts = accessParts(git);
  if (parts === undefined) return undefined;
  const { access, secrets, claims } = parts;
  const { url, claimName } = git;
  return { image: 'git', about: { url, claimName }, source: { git: { url, access } }, secrets, claims };
};

interface AccessParts {
  access: GitTask['access'];
  secrets: SecretMount[];
  claims: ClaimMount[];
}

const accessParts = (git: GitSource): AccessParts | undefined => {
  const address = parseGitUrl(git.url);
  const { credentialsSecretRef, knownHosts, caSecretRef, claimName } = git;
  const credentials = credentialsSecretRef === undefined ? undefined : mountSecret('source', credentialsSecretRef.name);
  if (address?.by === 'ssh') {
    if (credentials === undefined || knownHosts === undefined) return undefined;
    return { access: { by: 'ssh', knownHosts, key: mounted(credentials) }, secrets: [credentials], claims: [] };
  }
  if (address?.by === 'path') {
    if (claimName === undefined) return undefined;
    const claim = mountClaim('source', claimName, { readOnly: true });
    return { access: { by: 'path', root: claim.directory }, secrets: [], claims: [claim] };
  }
  if (address === undefined) return undefined;
  const ca = caSecretRef === undefined ? undefined : mountSecret('source-ca', caSecretRef.name);
  return {
    access: {
      by: 'https',
      ...(credentials !== undefined && { credentials: mounted(credentials) }),
      ...(ca !== undefined && { ca: mounted(ca) }),
    },
    secrets: [credentials, ca].filter((each) => each !== undefined),
    claims: [],
  };
};
