import type { FailureReason } from '../../../errors/catalogue.ts';
import { RunError } from '../../../errors/run-error.ts';
import { lastWords, type Ended } from '../../exec.ts';
import { oneLine } from '../../ship/reasons.ts';

/** What a server says through git is in lines that begin so; anybody may write there. */
const remoteLine = /^remote: ?/;

interface Row {
  readonly pattern: RegExp;
  readonly reason: FailureReason;
  /** Whether the server's own words count as well, which it can make up. */
  readonly remote?: boolean;
}

/** What git, ssh and curl say, from the most telling to the least: the first pattern that matches decides. git's status is 128 for all. */
const table: readonly Row[] = [
  { pattern: /Host key verification failed|No \S+ host key is known for/, reason: 'SourceHostKeyMismatch' },
  { pattern: /Load key ".*": .*/, reason: 'SecretInvalid' },
  { pattern: /No space left on device|Disk quota exceeded|Out of diskspace/, reason: 'OutOfScratchSpace' },
  {
    pattern:
      /certificate verification failed|SSL certificate problem|certificate subject name|no alternative certificate subject name|certificate has expired|error setting certificate/i,
    reason: 'SourceNotTrusted',
  },
  {
    pattern:
      /Permission denied \([a-z,-]+\)|Too many authentication failures|Authentication failed for|could not read (Username|Password) for|returned error: (401|403|407)/,
    reason: 'AccessDenied',
  },
  {
    pattern:
      /ssh: connect to host \S+ port \d+: .*|Could not resolve host.*|during banner exchange|kex_exchange_identification: .*|No route to host|Network is unreachable|Failed to connect to .*|Couldn't connect to server|returned error: 5\d\d/i,
    reason: 'SourceUnreachable',
  },
  {
    pattern:
      /repository '.*' not found|does not appear to be a git repository|repository '.*' does not exist|returned error: (301|302|303|307|308|404|410)|not valid: is this a git repository|not a git repository/i,
    reason: 'SourceNotFound',
  },
  // Servers that keep to a protocol of their own say it through ssh.
  {
    pattern: /repository .*not found|not found.*repository|does not exist|no such (repository|project)/i,
    reason: 'SourceNotFound',
    remote: true,
  },
  {
    pattern:
      /source repository is shallow|alternate object path|does not point to a valid object|ignoring (broken|dangling) (ref|symref)|(object|file|pack\S*) .*corrupt|corrupt.* (object|pack)|inflate: |unable to (read|unpack|parse|find|get) .*[0-9a-f]{40}|(unable to|could not|cannot) read (object|tree|blob|commit)?|missing (blob|tree|commit|tag|object)|bad (object|tree|blob|tag)|did not (send|receive) (all necessary objects|expected object)|hash mismatch|not our ref|pack has \d+ unresolved deltas|packfile .* (cannot be accessed|does not match index)|bad packed object|revision walk setup failed/i,
    reason: 'SourceDamaged',
    remote: true,
  },
  {
    pattern:
      /early EOF|unexpected disconnect|RPC failed|remote end hung up|unexpected EOF|closed by remote host|Connection (reset|closed) by|Connection timed out|Timeout, server \S+ not responding|Broken pipe|Operation too slow|transfer closed|Empty reply from server|expected flush after|Recv failure|TLS connection was non-properly terminated|SSL_ERROR|gnutls|invalid index-pack output|fetch-pack: invalid/i,
    reason: 'DumpTruncated',
  },
];

const lineAround = (text: string, index: number): string => {
  const start = text.lastIndexOf('\n', index - 1) + 1;
  const end = text.indexOf('\n', index);
  return text.slice(start, end === -1 ? undefined : end);
};

/** The cause that git's words stand for; undefined when none of the known ones is in them. */
export const explain = (stderr: string): { readonly reason: FailureReason; readonly words: string } | undefined => {
  const own = stderr
    .split('\n')
    .filter((line) => !remoteLine.test(line))
    .join('\n');
  for (const { pattern, reason, remote = false } of table) {
    const text = remote ? stderr : own;
    const match = pattern.exec(text);
    if (match !== null) return { reason, words: oneLine(lineAround(text, match.index)) };
  }
  return undefined;
};

// A server leaves a ref out that leads to nothing, says so, and goes on: the status is 0.
const complaint = /^(remote: ?)?(error|fatal): |ignoring (broken|dangling)/m;

/** Whether git, which ended well or not, says that something is wrong. */
export const wentWrong = ({ exitCode, stderr }: Ended): boolean => exitCode !== 0 || complaint.test(stderr);

/** What went wrong with a git that did not end well. */
export const gitFailure = (doing: string, ended: Ended, fallback: FailureReason = 'DumpFailed'): RunError => {
  const found = explain(ended.stderr);
  const words = found?.words ?? lastWords('git', ended);
  const reason = found?.reason ?? (ended.killedBy === undefined ? fallback : 'DumpTruncated');
  return new RunError(reason, `${doing}: ${words}.`.replace(/\.\.$/, '.'));
};
