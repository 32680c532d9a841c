import type { Container } from './types.ts';

/** What Pod Security "restricted" asks of a container, and a root file system that is only read. */
export const restricted = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
} satisfies NonNullable<Container['securityContext']>;
