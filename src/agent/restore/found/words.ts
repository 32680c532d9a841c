import { maxUnrecordedWords } from '../../../api/v1alpha1/restore-report.ts';
import type { ResolveTask } from '../../../api/v1alpha1/task.ts';
import { plainText, shorten } from '../../text.ts';

const makers: Readonly<Record<ResolveTask['encryption'], string>> = {
  gpg: 'whoever can write there and has the public key',
  passphrase: 'whoever can write there and knows the passphrase',
  none: 'whoever can write there',
};

/** What a person who confirms has to know of a set that no ledger records. Pure. */
export const unrecordedWords = (encryption: ResolveTask['encryption'], owner: string | undefined): string => {
  const marked = owner === undefined ? '' : ` By its marker the directory ${owner}.`;
  const words = `No ledger records this set: it was found in the repository by the names of its files. Nothing witnesses that it is what was backed up: ${makers[encryption]} could have made it. Its data is not younger than the set. What is loaded is compared with the facts in the set itself, and is not said to be proven.${marked}`;
  return shorten(plainText(words), maxUnrecordedWords);
};
