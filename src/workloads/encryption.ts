import type { BackupPolicySpec } from '../api/v1alpha1/backuppolicy.ts';
import type { FetchTask, ShipTask } from '../api/v1alpha1/task.ts';
import { mountSecret, type SecretMount } from './secrets.ts';

const mounted = ({ directory, secret }: SecretMount) => ({ directory, secret });

/** What the encryption adds to the ship container. The private key never does: backups are encrypted to the public one. */
export const encryptionOf = (
  encryption: BackupPolicySpec['encryption'],
): { encryption: ShipTask['encryption']; secrets: SecretMount[] } => {
  if (encryption.gpg !== undefined) {
    const publicKey = mountSecret('encryption', encryption.gpg.publicKeySecretRef.name);
    return { encryption: { method: 'gpg', publicKey: mounted(publicKey) }, secrets: [publicKey] };
  }
  if (encryption.passphraseSecretRef !== undefined) {
    const passphrase = mountSecret('encryption', encryption.passphraseSecretRef.name);
    return { encryption: { method: 'passphrase', passphrase: mounted(passphrase) }, secrets: [passphrase] };
  }
  return { encryption: { method: 'none' }, secrets: [] };
};

/** What opens the sets, for people, and to tell whether it is still the same. */
export const encryptionWords = ({ gpg, passphraseSecretRef }: BackupPolicySpec['encryption']): string => {
  if (gpg !== undefined) {
    const { publicKeySecretRef, privateKeySecretRef } = gpg;
    return `gpg keys of the Secrets ${publicKeySecretRef.name} and ${privateKeySecretRef?.name ?? '(none)'}`;
  }
  return passphraseSecretRef === undefined ? 'not encrypted' : `passphrase of the Secret ${passphraseSecretRef.name}`;
};

/** What opens the sets: mounted in the container that fetches alone. Undefined: the policy names no private key. */
export const decryptionOf = ({
  gpg,
  passphraseSecretRef,
}: BackupPolicySpec['encryption']): { decryption: FetchTask['decryption']; secrets: SecretMount[] } | undefined => {
  if (gpg !== undefined) {
    if (gpg.privateKeySecretRef === undefined) return undefined;
    const key = mountSecret('decryption', gpg.privateKeySecretRef.name);
    return { decryption: { method: 'gpg', privateKey: mounted(key) }, secrets: [key] };
  }
  if (passphraseSecretRef !== undefined) {
    const passphrase = mountSecret('decryption', passphraseSecretRef.name);
    return { decryption: { method: 'passphrase', passphrase: mounted(passphrase) }, secrets: [passphrase] };
  }
  return { decryption: { method: 'none' }, secrets: [] };
};
