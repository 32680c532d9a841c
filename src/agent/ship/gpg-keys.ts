/** A public key as gpg lists it. */
export interface EncryptionKey {
  fingerprint: string;
  /** Why it cannot be encrypted to, or that it can. */
  state: 'Usable' | 'it is expired' | 'it is revoked' | 'it has no usable encryption key';
}

/** Validity letters of gpg's listing with colons (doc/DETAILS, field 2). */
const unusable = /^[ired]$/;

const stateOf = (validity: string, usable: boolean): EncryptionKey['state'] => {
  if (validity === 'e') return 'it is expired';
  if (validity === 'r') return 'it is revoked';
  return usable && !unusable.test(validity) ? 'Usable' : 'it has no usable encryption key';
};

/** Reads the output of `gpg --with-colons --list-keys` (gnupg, doc/DETAILS). */
export const parseKeys = (listing: string): EncryptionKey[] => {
  const keys: { fingerprint?: string; validity: string; encryption: string[] }[] = [];
  for (const line of listing.split('\n')) {
    const fields = line.split(':');
    const [type, validity = ''] = fields;
    const key = keys.at(-1);
    if (type === 'pub') keys.push({ validity, encryption: [] });
    if ((type === 'pub' || type === 'sub') && fields[11]?.includes('e')) keys.at(-1)?.encryption.push(validity);
    if (type === 'fpr' && key && key.fingerprint === undefined && fields[9]) key.fingerprint = fields[9];
  }
  return keys.flatMap(({ fingerprint, validity, encryption }) => {
    if (fingerprint === undefined) return [];
    const usable = encryption.some((each) => !unusable.test(each));
    const expired = encryption.length > 0 && encryption.every((each) => each === 'e');
    return [{ fingerprint, state: stateOf(expired ? 'e' : validity, usable) }];
  });
};
