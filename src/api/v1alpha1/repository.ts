import { z } from 'zod';
import {
  absolutePath,
  celRules,
  exactlyOneOf,
  host,
  objectName,
  port,
  secretRef,
  text,
  unixUser,
  withoutParent,
} from './primitives.ts';

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

const sshTarget = z.object({
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

const s3 = z
  .object({
    endpoint: text({
      max: 253,
      pattern: /^https?:\/\/[A-Za-z0-9.-]+(:[0-9]{1,5})?$/,
      message: 'write scheme, host and port only, such as https://s3.example.com:9000',
    }).describe('Address of the S3 service.'),
    region: text({
      max: 64,
      pattern: /^[a-z0-9][a-z0-9-]*$/,
      message: 'write the name of a region, such as eu-north-1',
    })
      .describe('Region of the bucket.')
      .optional(),
    bucket: text({
      max: 63,
      pattern: /^[a-z0-9][a-z0-9.-]+[a-z0-9]$/,
      message: 'write the name of a bucket: 3 to 63 lower case letters, digits, "." and "-"',
    }).describe('Name of the bucket.'),
    prefix: text({
      max: 512,
      pattern: /^([A-Za-z0-9_][A-Za-z0-9._/-]*)?$/,
      message: 'write letters, digits, ".", "_", "-" and "/", beginning with a letter, a digit or "_"',
    })
      .meta(celRules(withoutParent))
      .describe('Prefix below which Holdfast writes.')
      .optional(),
    credentialsSecretRef: secretRef.describe('Secret of type kubernetes.io/basic-auth: access key and secret key.'),
    caRef: secretRef.describe('Secret whose key `ca.crt` holds the certificate authority of the service.').optional(),
  })
  .describe('A bucket of an S3 service. Not available yet: refused with a Stalled condition.');

const volume = z
  .object({
    claimName: objectName.describe('PersistentVolumeClaim that receives the backups.'),
    path: absolutePath.default('/').describe('Directory on the claim.'),
  })
  .describe('A claim, for NFS. Not available yet: refused with a Stalled condition.');

/** Where backups are kept. */
export const repository = z
  .object({
    rsync: sshTarget.describe('A backup host reached by rsync over SSH.').optional(),
    sftp: sshTarget
      .describe('A backup host reached by SFTP. Not available yet: refused with a Stalled condition.')
      .optional(),
    s3: s3.optional(),
    volume: volume.optional(),
    adopt: z
      .boolean()
      .default(false)
      .describe(
        'Takes over a directory whose owner marker names another cluster or policy. Set it once, after you made sure that nobody else writes there.',
      ),
  })
  .meta(celRules(exactlyOneOf('repository', ['rsync', 'sftp', 's3', 'volume'])))
  .describe('Where backups are kept. Exactly one of rsync, sftp, s3, volume.');

export type SshTarget = z.output<typeof sshTarget>;
export const rsyncTarget = sshTarget;

const gpg = z
  .object({
    publicKeySecretRef: secretRef.describe(
      'Secret whose key `public.asc` holds the public key that backups are encrypted to.',
    ),
    privateKeySecretRef: secretRef
      .describe(
        'Secret whose key `private.asc` holds the private key. Mounted in the pods that verify and restore only, never in those that back up.',
      )
      .optional(),
  })
  .describe('Encrypts to a public key: the pods that back up cannot read what is stored.');

/** How what leaves the cluster is encrypted. */
export const encryption = z
  .object({
    gpg: gpg.optional(),
    passphraseSecretRef: secretRef
      .describe(
        'Secret of type kubernetes.io/basic-auth: the key `password` is the passphrase that backups are encrypted with.',
      )
      .optional(),
    none: z.object({}).describe('Stores backups unencrypted. Whoever reads the backup host reads the data.').optional(),
  })
  .meta(celRules(exactlyOneOf('encryption', ['gpg', 'passphraseSecretRef', 'none'])))
  .describe(
    'How backups are encrypted. Exactly one of gpg, passphraseSecretRef, none: write `none: {}` to store them in the clear.',
  );
