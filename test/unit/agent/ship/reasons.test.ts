import { explain, explainDuplicity } from '../../../../src/agent/repositories/rsync/reasons.ts';
import { oneLine, reasonOfCode, withoutCommand } from '../../../../src/agent/ship/reasons.ts';

const rsync255 = `rsync: connection unexpectedly closed (0 bytes received so far) [Receiver]
rsync error: unexplained error (code 255) at io.c(285) [Receiver=3.5.0]`;
const rsync23 =
  'rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1394) [sender=3.5.0]';

// What OpenSSH 9.2, rsync and duplicity 3.2.1 said when the failure was brought about.
const captured: { reason: string; what: string; text: string }[] = [
  {
    reason: 'HostKeyMismatch',
    what: 'the host key changed',
    text: `@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Host key for [127.0.0.1]:22022 has changed and you have requested strict checking.
Host key verification failed.
${rsync255}`,
  },
  {
    reason: 'HostKeyMismatch',
    what: 'the host key is unknown',
    text: `No ED25519 host key is known for [127.0.0.1]:22022 and you have requested strict checking.
Host key verification failed.
${rsync255}`,
  },
  {
    reason: 'RemovalRefused',
    what: 'the host only takes new files',
    text: `/usr/bin/rrsync error: option --delete has been disabled on this server.
rsync: connection unexpectedly closed (0 bytes received so far) [sender]
rsync error: error in rsync protocol data stream (code 12) at io.c(285) [sender=3.5.0]`,
  },
  {
    reason: 'KeyRefused',
    what: 'the key is refused',
    text: `root@127.0.0.1: Permission denied (publickey).\n${rsync255}`,
  },
  {
    reason: 'SecretInvalid',
    what: 'the key is garbage',
    text: `Load key "/tmp/s/id": error in libcrypto\nroot@127.0.0.1: Permission denied (publickey).\n${rsync255}`,
  },
  {
    reason: 'RepositoryUnreachable',
    what: 'nothing listens',
    text: `ssh: connect to host 127.0.0.1 port 22023: Connection refused\n${rsync255}`,
  },
  {
    reason: 'RepositoryUnreachable',
    what: 'the name is unknown',
    text: `ssh: Could not resolve hostname nosuch.invalid: Name or service not known\n${rsync255}`,
  },
  {
    reason: 'RepositoryUnreachable',
    what: 'the host is off',
    text: `ssh: connect to host 198.18.0.1 port 22: Connection timed out\n${rsync255}`,
  },
  {
    reason: 'RepositoryUnreachable',
    what: 'the port is open and silent',
    text: `Connection timed out during banner exchange\nConnection to 127.0.0.1 port 22024 timed out\n${rsync255}`,
  },
  {
    reason: 'RepositoryUnreachable',
    what: 'the host hangs up before it says who it is',
    text: `kex_exchange_identification: read: Connection reset by peer\nConnection reset by 127.0.0.1 port 22024\n${rsync255}`,
  },
  {
    reason: 'RepositoryFull',
    what: 'the disk is full',
    text: `rsync: [receiver] write failed on "/srv/tm/a.sql": No space left on device (28)\nrsync error: error in file IO (code 11) at receiver.c(657) [receiver=3.5.0]`,
  },
  {
    reason: 'RepositoryFull',
    what: 'the disk is full, and the receiving rsync ended before its words were through',
    text: 'BackendException: exit status 11: Giving up after 2 attempts. BackendException: exit status 11: .',
  },
  {
    reason: 'RepositoryFull',
    what: 'the quota is used up',
    text: `rsync: [receiver] write failed on "/srv/tm/a.sql": Disk quota exceeded (122)`,
  },
  {
    reason: 'RepositoryNotWritable',
    what: 'the directory is read-only',
    text: `rsync: [receiver] mkstemp "/srv/own/.a.sql.9bd5R6" failed: Permission denied (13)\n${rsync23}`,
  },
  {
    reason: 'RepositoryNotWritable',
    what: 'the directory cannot be made',
    text: 'rsync: [Receiver] mkdir "/srv/own/a/b/" failed: Permission denied (13)\nrsync error: error in file IO (code 11) at main.c(808) [Receiver=3.5.0]',
  },
  {
    reason: 'RepositoryNotWritable',
    what: 'the file system is read-only',
    text: `rsync: [receiver] mkstemp "/srv/tm/.a.sql.ylKa7z" failed: Read-only file system (30)\n${rsync23}`,
  },
  {
    reason: 'RepositoryNotWritable',
    what: 'the forced command of an append-only host refuses to overwrite',
    text: `holdfast-append-only: shop/agama/holdfast-owner.json exists; nothing is replaced
rsync error: requested action not supported (code 4) at main.c(1394) [sender=3.5.0]`,
  },
  {
    reason: 'RepositoryNotWritable',
    what: 'the forced command of an append-only host refuses to delete',
    text: `holdfast-append-only: rsync option --delete is not allowed for writing
rsync: connection unexpectedly closed (0 bytes received so far) [sender]
rsync error: error in rsync protocol data stream (code 12) at io.c(285) [sender=3.5.0]`,
  },
  {
    reason: 'RepositoryFull',
    what: 'the disk of an append-only host is full',
    text: `holdfast-append-only: rsync: /srv/backup: No space left on device (28)
rsync error: error in file IO (code 11) at main.c(1394) [sender=3.5.0]`,
  },
  {
    reason: 'RepositoryIncomplete',
    what: 'the directory vanished',
    text: `rsync: [sender] change_dir "/srv/nope" failed: No such file or directory (2)\n${rsync23}\nrsync: [Receiver] write error: Broken pipe (32)`,
  },
  {
    reason: 'RepositoryIncomplete',
    what: 'the directory is not there, and an rrsync says so',
    text: `/usr/bin/rrsync error: post-realpath open failed (race detected): /a/b/ No such file or directory\nrsync: connection unexpectedly closed (0 bytes received so far) [Receiver]\nrsync error: error in rsync protocol data stream (code 12) at io.c(285) [Receiver=3.5.0]`,
  },
  {
    reason: 'ConnectionLost',
    what: 'the host closed the connection',
    text: `Connection to 127.0.0.1 closed by remote host.\nrsync: connection unexpectedly closed (9 bytes received so far) [sender]`,
  },
  {
    reason: 'ConnectionLost',
    what: 'the connection is half open',
    text: `Timeout, server 127.0.0.1 not responding.\nrsync: connection unexpectedly closed (9 bytes received so far) [sender]`,
  },
  {
    reason: 'ConnectionLost',
    what: 'nothing moves',
    text: 'rsync: [sender] io timeout after 60 seconds -- exiting\nrsync error: timeout in data send/receive (code 30) at io.c(197) [sender=3.5.0]',
  },
  {
    reason: 'ConnectionLost',
    what: 'the connection was reset',
    text: 'client_loop: send disconnect: Connection reset by peer\nConnection reset by 127.0.0.1 port 22024',
  },
  {
    reason: 'RsyncUnavailable',
    what: 'rsync is not installed there',
    text: `bash: line 1: rsync: command not found\n${rsync255}`,
  },
  {
    reason: 'RsyncUnavailable',
    what: 'the shell greets',
    text: 'protocol version mismatch -- is your shell clean?\n(see the rsync manpage for an explanation)',
  },
  {
    reason: 'OutOfScratchSpace',
    what: 'the scratch space is full',
    text: "OSError: [Errno 28] No space left on device: '/scratch/x'",
  },
  {
    reason: 'OutOfScratchSpace',
    what: 'gpg finds it full',
    text: 'gpg: error writing to temporary file: No space left on device',
  },
  { reason: 'WrongPassphrase', what: 'the passphrase is wrong', text: 'gpg: decryption failed: Bad session key' },
  { reason: 'KeyUnusable', what: 'the key is expired', text: 'gpg: ABCD: skipped: Unusable public key' },
];

test.each(captured)('$what: $reason', ({ text, reason }) => {
  expect(explain(text)?.reason).toBe(reason);
  // As duplicity repeats it.
  const repeated = `BackendException: Error running 'rsync -e 'ssh -p 22 -oBatchMode=yes' --timeout=60 /tmp/x root@h:/srv/x': returned 255, with output:\n\n${text}\n`;
  expect(explain(withoutCommand(repeated))?.reason).toBe(reason);
});

test('a host that was reached and is gone is a connection lost', () => {
  const text = 'ssh: connect to host 127.0.0.1 port 22023: Connection refused';
  expect(explainDuplicity(text)).toEqual({ ...explain(text), reason: 'ConnectionLost' });
});

test('unknown words are no reason', () => {
  expect(explain('all is well')).toBeUndefined();
});

test('the telling line is quoted, without the command', () => {
  const text =
    "Error running 'rsync -e 'ssh -p 22' /tmp/secret-path h:/x': returned 11, with output:\n\nrsync: [receiver] x: No space left on device (28)\nmore";
  expect(explain(withoutCommand(text))?.words).toBe('rsync: [receiver] x: No space left on device (28)');
  expect(withoutCommand(text)).not.toContain('secret-path');
});

test.each([
  { code: 21, reason: 'RepositoryIncomplete' },
  { code: 30, reason: 'ArchiveToolFailed' },
  { code: 31, reason: 'ArchiveToolFailed' },
  { code: 35, reason: 'OutOfScratchSpace' },
  { code: 50, reason: 'ArchiveToolFailed' },
  { code: 52, reason: 'RepositoryIncomplete' },
  { code: 53, reason: 'RepositoryFull' },
])('code $code without telling words: $reason', ({ code, reason }) => {
  expect(reasonOfCode(code)).toBe(reason);
});

test('oneLine keeps to one line of 200 characters', () => {
  expect(oneLine('a\n\tb\u0000c')).toBe('a b c');
  expect(oneLine('x'.repeat(500))).toHaveLength(200);
});
