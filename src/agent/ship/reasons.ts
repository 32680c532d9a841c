import type { FailureReason } from '../../errors/catalogue.ts';

/** A cause read out of what ssh, rsync, gpg or duplicity said. */
export interface Explanation {
  reason: FailureReason;
  /** The words that told it, one line. */
  words: string;
}

/**
 * What the tools say, from the most telling to the least: the first pattern that matches decides. Exit codes do not tell these apart
 * (duplicity has 50 for all of ssh's and rsync's failures, rsync 255 for all of ssh's).
 */
const table: readonly { pattern: RegExp; reason: FailureReason; words?: string }[] = [
  { pattern: /Host key verification failed|No \S+ host key is known for/, reason: 'HostKeyMismatch' },
  { pattern: /Load key ".*": .*/, reason: 'SecretInvalid' },
  { pattern: /Permission denied \([a-z,-]+\)|Too many authentication failures/, reason: 'KeyRefused' },
  // What is said by Python or gpg here, and not by rsync there, is about the scratch space.
  { pattern: /\[Errno (28|122)\]|gpg: .*No space left on device/, reason: 'OutOfScratchSpace' },
  { pattern: /rsync: .*(No space left on device|Disk quota exceeded)/, reason: 'RepositoryFull' },
  {
    pattern: /command not found|rsync: not found|is your shell clean|This account is currently not available/,
    reason: 'RsyncUnavailable',
  },
  {
    pattern: /rsync: .*(Permission denied|Read-only file system|Operation not permitted|Not a directory) \(\d+\)/,
    reason: 'RepositoryNotWritable',
  },
  { pattern: /rsync: .*No such file or directory \(2\)/, reason: 'RepositoryIncomplete' },
  {
    pattern:
      /ssh: connect to host \S+ port \d+: .*|Could not resolve hostname .*|during banner exchange|kex_exchange_identification: .*|No route to host|Network is unreachable/,
    reason: 'RepositoryUnreachable',
  },
  {
    pattern:
      /Timeout, server \S+ not responding|closed by remote host|Connection (reset|closed) by|Connection timed out|Connection to \S+ timed out|Broken pipe|io timeout after|timeout waiting for daemon connection|error in rsync protocol data stream|connection unexpectedly closed/,
    reason: 'ConnectionLost',
  },
  {
    pattern: /decryption failed: Bad session key|Bad passphrase|decryption failed: No secret key/i,
    reason: 'WrongPassphrase',
  },
  { pattern: /skipped: (Unusable|No) public key|Unusable public key/i, reason: 'KeyUnusable' },
  {
    // The receiving rsync ended before its own words were through, as happens often: rsync(1) has 11 for "error in file I/O", and what
    // fails to write a file there is a full disk or quota. (What it may not write at all ends with 23.)
    pattern: /exit status 11:/,
    reason: 'RepositoryFull',
    words:
      'rsync could not write on the backup host and did not say why (status 11), as when its disk or a quota is full',
  },
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

/** Reads the cause out of the words of ssh, rsync or gpg; undefined when none of the known ones is in them. */
export const explain = (text: string): Explanation | undefined => {
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
