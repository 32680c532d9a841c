import { z } from 'zod';
import { absolutePath, host, port, secretRef, text, unixUser } from '../primitives.ts';

// One line of known_hosts: names, key type, key; a marker before and a comment after are allowed. No line can be read in two ways, so
// that no input takes long.
const knownHost = [
  '(@(cert-authority|revoked) )?',
  '[A-Za-z0-9.,:|*?!=+/[\\]_-]+ +',
  '(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh[.]com) +',
  '[A-Za-z0-9+/]+={0,2}( [ -~]*)?',
].join('');
const passedOver = '(#[ -~]*)?';
const knownHostsPattern = new RegExp(`^(${passedOver}\\n)*${knownHost}(\\n(${knownHost}|${passedOver}))*$`);

/** A directory on a host that is reached over SSH. */
export const sshTarget = z.object({
  host: host.describe('Host name or IPv4 address of the backup host.'),
  port: port.default(22).describe('TCP port of its SSH server.'),
  user: unixUser.describe('Account on the backup host.'),
  path: absolutePath.describe('Directory on the backup host. Holdfast writes only below <path>/<namespace>/<name>.'),
  sshSecretRef: secretRef.describe('Secret of type kubernetes.io/ssh-auth with the private key of the account.'),
  knownHosts: text({
    max: 8192,
    pattern: knownHostsPattern,
    message:
      'write the host keys as `ssh-keyscan -p PORT HOST` prints them: lines such as "[backup.example.com]:2222 ssh-ed25519 AAAA…"',
  }).describe(
    'Host keys of the backup host, as `ssh-keyscan` prints them ("[host]:port ssh-ed25519 AAAA…" for a port other than 22). Any other key is refused.',
  ),
});
