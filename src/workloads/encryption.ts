import type { BackupPolicySpec } from '../api/v1alpha1/backuppolicy.ts';
import type { ShipTask } from '../api/v1alpha1/task.ts';
import { mountSecret, type SecretMount } from './secrets.ts';

/** What the encryption adds to the ship container. The private key never does: backups are encrypted to the public one. */
export const encryptionOf = (
  encryption: BackupPolicySpec['encryption'],
): { encryption: ShipTask['encryption']; secrets: SecretMount[] } => {
  if (encryption.gpg !== undefined) {
    const publicKey = mountSecret('encryption', encryption.gpg.publicKeySecretRef.name);
    const { directory, secret } = publicKey;
    return { encryption: { method: 'gpg', publicKey: { directory, secret } }, secrets: [publicKey] };
  }
  if (encryption.passphraseSecretRef !== undefined) {
    const passphrase = mountSecret('encryption', encryption.passphraseSecretRef.name);
    const { directory, secret } = passphrase;
    return { encryption: { method: 'passphrase', passphrase: { directory, secret } }, secrets: [passphrase] };
  }
  return { encryption: { method: 'none' }, secrets: [] };
};
