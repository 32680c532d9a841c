import type { FailureReason } from '../../errors/catalogue.ts';

/** A cause read out of what ssh, rsync, gpg or duplicity said. */
export interface Explanation {
  reason: FailureReason;
  /** The words that told it, one line. */
  words: string;
}

/** A pattern of words and the cause that it tells; `words` is for a message where the tool's own say nothing to a person. */
export interface Cause {
  pattern: RegExp;
  reason: FailureReason;
  words?: string;
}

/** What Python and gpg say here of a full disk is about the scratch space, unless the kind of repository knows better. */
export const scratchCauses: readonly Cause[] = [
  { pattern: /\[Errno (28|122)\]|gpg: .*No space left on device/, reason: 'OutOfScratchSpace' },
];

/** What gpg says of keys and passphrases. */
export const gpgCauses: readonly Cause[] = [
  {
    pattern: /decryption failed: Bad session key|Bad passphrase|decryption failed: No secret key/i,
    reason: 'WrongPassphrase',
  },
  { pattern: /skipped: (Unusable|No) public key|Unusable public key/i, reason: 'KeyUnusable' },
];

const lineAround = (text: string, index: number): string => {
  const start = text.lastIndexOf('\n', index - 1) + 1;
  const end = text.indexOf('\n', index);
  return text.slice(start, end === -1 ? undefined : end);
};

/** One line of a tool's words, fit for a message: without control characters, at most 200 characters. */
export const oneLine = (text: string): string => {
  const plain = text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
  return plain.length > 200 ? `${plain.slice(0, 199)}…` : plain;
};

/**
 * Reads the cause out of a tool's words; undefined when none of the known ones is in them. The table goes from the most telling to the
 * least: the first pattern that matches decides.
 */
export const explainBy = (table: readonly Cause[], text: string): Explanation | undefined => {
  for (const { pattern, reason, words } of table) {
    const match = pattern.exec(text);
    if (match) return { reason, words: words ?? oneLine(lineAround(text, match.index)) };
  }
  return undefined;
};

/** Causes by duplicity's exit or log code (log.py, ErrorCode), for when its words tell nothing. */
const byCode: Partial<Record<number, FailureReason>> = {
  21: 'RepositoryIncomplete',
  35: 'OutOfScratchSpace',
  38: 'RepositoryUnreachable',
  44: 'RepositoryIncomplete',
  51: 'RepositoryNotWritable',
  52: 'RepositoryIncomplete',
  53: 'RepositoryFull',
  56: 'RepositoryIncomplete',
  80: 'KeyUnusable',
  81: 'KeyUnusable',
  82: 'KeyUnusable',
};

/** The cause that an exit or log code of duplicity stands for. Code 23, a held lock of the archive-dir, cannot be met: each run has its own. */
export const reasonOfCode = (code: number): FailureReason => byCode[code] ?? 'ArchiveToolFailed';

/** The words of the tools that duplicity ran: without the command line it repeats before them, which is full of paths. */
export const withoutCommand = (text: string): string =>
  text.replaceAll(/Error running '.*?': returned (-?\d+), with output:/gs, 'exit status $1:');
