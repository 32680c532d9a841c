import { z } from 'zod';
import { secretRef, text } from '../primitives.ts';

/** A git repository. */
export const gitSource = z
  .object({
    url: text({
      max: 1024,
      pattern: /^(https:\/\/|ssh:\/\/|\/|[A-Za-z0-9_][A-Za-z0-9._-]*@)[A-Za-z0-9._~][A-Za-z0-9._~:@/%+-]*$/,
      message:
        'write the address of a git repository, such as https://git.example.com/ops/ansible.git or git@git.example.com:ops/ansible.git',
    }).describe('Address of the repository: https, ssh, or an absolute path.'),
    credentialsSecretRef: secretRef
      .describe('Secret of type kubernetes.io/ssh-auth or kubernetes.io/basic-auth.')
      .optional(),
  })
  .describe('A git repository with all its refs. Not available yet: refused with a Stalled condition.');
