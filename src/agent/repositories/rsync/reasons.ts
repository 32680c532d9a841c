import { type Cause, explainBy, type Explanation, gpgCauses, scratchCauses } from '../../ship/reasons.ts';

/**
 * What ssh and rsync say. Exit codes do not tell these apart (duplicity has 50 for all of ssh's and rsync's failures, rsync 255 for all
 * of ssh's).
 */
const table: readonly Cause[] = [
  { pattern: /Host key verification failed|No \S+ host key is known for/, reason: 'HostKeyMismatch' },
  { pattern: /Load key ".*": .*/, reason: 'SecretInvalid' },
  { pattern: /Permission denied \([a-z,-]+\)|Too many authentication failures/, reason: 'KeyRefused' },
  ...scratchCauses,
  // rrsync of a host that only takes new files (-no-del).
  { pattern: /option --delete\S* has been disabled on this server/, reason: 'RemovalRefused' },
  { pattern: /rsync: .*(No space left on device|Disk quota exceeded)/, reason: 'RepositoryFull' },
  // host/holdfast-append-only refused: what it says counts, not how rsync ends on that.
  { pattern: /holdfast-append-only: .*/, reason: 'RepositoryNotWritable' },
  {
    pattern: /command not found|rsync: not found|is your shell clean|This account is currently not available/,
    reason: 'RsyncUnavailable',
  },
  {
    pattern: /rsync: .*(Permission denied|Read-only file system|Operation not permitted|Not a directory) \(\d+\)/,
    reason: 'RepositoryNotWritable',
  },
  {
    pattern: /rsync: .*No such file or directory \(2\)|rrsync error: .*No such file or directory/,
    reason: 'RepositoryIncomplete',
  },
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
  ...gpgCauses,
  {
    // The receiving rsync ended before its own words were through, as happens often: rsync(1) has 11 for "error in file I/O", and what
    // fails to write a file there is a full disk or quota. (What it may not write at all ends with 23.)
    pattern: /exit status 11:/,
    reason: 'RepositoryFull',
    words:
      'rsync could not write on the backup host and did not say why (status 11), as when its disk or a quota is full',
  },
];

/** The cause in the words of ssh, rsync or gpg. */
export const explain = (text: string): Explanation | undefined => explainBy(table, text);

/** The same for duplicity, which runs once the host was reached: one that is gone then is a connection lost. */
export const explainDuplicity = (text: string): Explanation | undefined => {
  const explanation = explain(text);
  return explanation?.reason === 'RepositoryUnreachable' ? { ...explanation, reason: 'ConnectionLost' } : explanation;
};
