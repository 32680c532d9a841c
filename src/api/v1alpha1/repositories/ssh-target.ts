import { z } from 'zod';
import { knownHosts } from '../known-hosts.ts';
import { absolutePath, host, port, secretRef, unixUser } from '../primitives.ts';

/** A directory on a host that is reached over SSH. */
export const sshTarget = z.object({
  host: host.describe('Host name or IPv4 address of the backup host.'),
  port: port.default(22).describe('TCP port of its SSH server.'),
  user: unixUser.describe('Account on the backup host.'),
  path: absolutePath.describe('Directory on the backup host. Holdfast writes only below <path>/<namespace>/<name>.'),
  sshSecretRef: secretRef.describe('Secret of type kubernetes.io/ssh-auth with the private key of the account.'),
  knownHosts: knownHosts().describe(
    'Host keys of the backup host, as `ssh-keyscan` prints them ("[host]:port ssh-ed25519 AAAA…" for a port other than 22). Any other key is refused.',
  ),
});
