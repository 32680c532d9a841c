import type { SandboxParts } from './sandbox-parts.ts';

/** git: a bare repository in the scratch space is all that a bundle needs. */
export const gitSandbox = (): SandboxParts => ({ image: 'git', sandbox: { git: {} } });
