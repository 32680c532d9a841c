import { z } from 'zod';
import type { DeepReadonly } from '../../../base/types.ts';
import { knownHosts } from '../known-hosts.ts';
import { celRules, objectName, secretRef, text, withoutParent } from '../primitives.ts';
import { directory, mountedSecret } from '../task-values.ts';
import { gitUrlPattern } from './git-url.ts';

const isPath = `self.url.startsWith('/')`;
const isHttps = `self.url.startsWith('https://')`;
const isSsh = `!${isPath} && !${isHttps}`;

/** A git repository. */
export const gitSource = z
  .object({
    url: text({
      max: 1024,
      pattern: gitUrlPattern,
      message:
        'write the address of a git repository without a password, such as https://git.example.com/ops/ansible.git, ssh://git@git.example.com:2222/ops/ansible.git, git@git.example.com:ops/ansible.git, or a path on a claim such as /ops/ansible.git',
    })
      .meta(celRules(withoutParent))
      .describe('Address of the repository: https, ssh, or an absolute path on the claim that claimName names.'),
    credentialsSecretRef: secretRef
      .describe(
        'Secret of type kubernetes.io/ssh-auth (ssh: needed) or kubernetes.io/basic-auth (https: user name and password or token; left out for a public repository).',
      )
      .optional(),
    knownHosts: knownHosts()
      .describe(
        'Host keys of the git server, as `ssh-keyscan` prints them. Needed for ssh, and for ssh only. Any other key is refused.',
      )
      .optional(),
    caSecretRef: secretRef
      .describe('Secret whose key `ca.crt` holds the certificate authority of the git server; for https only.')
      .optional(),
    claimName: objectName
      .describe(
        'PersistentVolumeClaim that holds the repository when url is a path, mounted read-only. The pods of the policy must be able to mount it where they run, and user 65532 must be able to read it.',
      )
      .optional(),
  })
  .meta(
    celRules(
      {
        rule: `(${isPath}) == has(self.claimName)`,
        message: 'git: a path needs claimName, and nothing else does: set url to a path and claimName, or url alone',
      },
      {
        rule: `(${isSsh}) == has(self.knownHosts)`,
        message:
          'git: ssh needs knownHosts, and nothing else does: set it to the host keys of the server, or remove it',
      },
      {
        rule: `!(${isSsh}) || has(self.credentialsSecretRef)`,
        message: 'git: ssh needs credentialsSecretRef: set it to a Secret with the private key',
      },
      {
        rule: `!(${isPath}) || !has(self.credentialsSecretRef)`,
        message: 'git: credentialsSecretRef must not be set for a path, which needs none',
      },
      {
        rule: `!has(self.caSecretRef) || ${isHttps}`,
        message: 'git: caSecretRef must not be set but for https',
      },
    ),
  )
  .describe('A git repository with all its refs.');
export type GitSource = DeepReadonly<z.output<typeof gitSource>>;

/** What the dump container is told of it. */
export const gitTask = z.object({
  url: gitSource.shape.url,
  access: z.discriminatedUnion('by', [
    z.object({
      by: z.literal('ssh'),
      knownHosts: z.string().describe('Lines of known_hosts: any other key is refused.'),
      key: mountedSecret,
    }),
    z.object({ by: z.literal('https'), credentials: mountedSecret.optional(), ca: mountedSecret.optional() }),
    z.object({ by: z.literal('path'), root: directory.describe('Where the claim with the repository is mounted.') }),
  ]),
});
export type GitTask = z.output<typeof gitTask>;

/** A verification needs no server: a bare repository in the scratch space is all. */
export const gitSandbox = z.object({});
export type GitSandbox = z.output<typeof gitSandbox>;
