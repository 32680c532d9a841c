import { RunError } from '../../errors/run-error.ts';
import { tryPassphrase } from './gpg.ts';
import type { ListedFile } from './listing.ts';
import type { Session } from './session.ts';
import { parseSetFile } from './set-files.ts';

/** The newest encrypted manifest of every chain directory, the newest chain first. */
export const newestManifests = (listing: readonly ListedFile[]): string[] => {
  const newest = new Map<string, { name: string; setTime: string }>();
  for (const { name, size } of listing) {
    const [directory, base, ...deeper] = name.split('/');
    const file = base === undefined || deeper.length > 0 ? undefined : parseSetFile(base);
    if (directory === undefined || file?.part !== 'manifest' || !name.endsWith('.gpg') || size === 0) continue;
    if ((newest.get(directory)?.setTime ?? '') < file.setTime) newest.set(directory, { name, setTime: file.setTime });
  }
  return [...newest.values()].toSorted((a, b) => (a.setTime < b.setTime ? 1 : -1)).map(({ name }) => name);
};

/**
 * Makes sure that the passphrase opens what the repository already holds: duplicity itself would mix two passphrases in one repository
 * and say nothing. What is encrypted to a public key, or is damaged, proves nothing, and the next older chain is asked.
 * @throws RunError WrongPassphrase
 */
export const checkPassphrase = async (
  { context, remote, encryption, gpgHome }: Session,
  listing: readonly ListedFile[],
): Promise<void> => {
  if (encryption.method !== 'passphrase') return;
  for (const name of newestManifests(listing)) {
    const opened = await tryPassphrase(context, await remote.fetch(name), encryption.passphrase, gpgHome);
    if (opened === 'Opened') return;
    if (opened === 'WrongPassphrase')
      throw new RunError('WrongPassphrase', `The passphrase does not open ${name} in the repository.`);
    context.log.warn(`${name} cannot tell whether the passphrase is right`, { opened });
  }
};
