import { z } from 'zod';
import { celRules, exactlyOneOf, secretRef } from './primitives.ts';

const gpg = z
  .object({
    publicKeySecretRef: secretRef.describe(
      'Secret whose key `public.asc` holds the public key that backups are encrypted to.',
    ),
    privateKeySecretRef: secretRef
      .describe(
        'Secret whose key `private.asc` holds the private key, and whose key `passphrase` its passphrase, when it has one. Mounted in the pods that verify and restore only, never in those that back up.',
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
