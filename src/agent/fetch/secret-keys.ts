/** Token field of a key of which gpg has no more than a stub (doc/DETAILS, field 15). */
const stub = '#';

/** Reads the fingerprints of the keys that gpg has the private half of, subkeys included, out of `gpg --with-colons --list-secret-keys`. */
export const parseSecretKeys = (listing: string): { primary: string; usable: boolean }[] => {
  const keys: { primary?: string; usable: boolean }[] = [];
  for (const line of listing.split('\n')) {
    const fields = line.split(':');
    const [type] = fields;
    if (type === 'sec') keys.push({ usable: false });
    const key = keys.at(-1);
    if (key === undefined) continue;
    // Whatever is expired or revoked opens what was encrypted to it all the same.
    if ((type === 'sec' || type === 'ssb') && fields[11]?.includes('e') && fields[14] !== stub) key.usable = true;
    if (type === 'fpr' && key.primary === undefined && fields[9]) key.primary = fields[9];
  }
  return keys.flatMap(({ primary, usable }) => (primary === undefined ? [] : [{ primary, usable }]));
};
