import { createFsckReport } from '../../../../src/agent/engines/git/fsck.ts';
import { explain } from '../../../../src/agent/engines/git/reasons.ts';

const id = 'a'.repeat(40);

test.each([
  {
    stderr: 'Host key verification failed.\nfatal: Could not read from remote repository.',
    reason: 'SourceHostKeyMismatch',
  },
  {
    stderr: 'git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.',
    reason: 'AccessDenied',
  },
  { stderr: `fatal: could not read Username for 'https://h': terminal prompts disabled`, reason: 'AccessDenied' },
  { stderr: `fatal: unable to access 'https://h/': The requested URL returned error: 403`, reason: 'AccessDenied' },
  { stderr: `fatal: Authentication failed for 'https://h/'`, reason: 'AccessDenied' },
  { stderr: 'ssh: connect to host h port 22: Connection refused', reason: 'SourceUnreachable' },
  { stderr: `fatal: unable to access 'https://h/': Could not resolve host: h`, reason: 'SourceUnreachable' },
  {
    stderr: `fatal: unable to access 'https://h/': The requested URL returned error: 503`,
    reason: 'SourceUnreachable',
  },
  { stderr: `fatal: repository 'https://h/x.git/' not found`, reason: 'SourceNotFound' },
  { stderr: `fatal: '/x.git' does not appear to be a git repository`, reason: 'SourceNotFound' },
  {
    stderr: 'remote: The project you were looking for could not be found.\nERROR: Repository not found.',
    reason: 'SourceNotFound',
  },
  {
    stderr: `fatal: unable to access 'https://h/': server certificate verification failed. CAfile: /x CRLfile: none`,
    reason: 'SourceNotTrusted',
  },
  {
    stderr: `fatal: unable to access 'https://h/': SSL: certificate subject name (git) does not match target host name 'h'`,
    reason: 'SourceNotTrusted',
  },
  {
    stderr: `fatal: unable to access 'https://h/': SSL certificate problem: unable to get local issuer certificate`,
    reason: 'SourceNotTrusted',
  },
  {
    stderr:
      'fetch-pack: unexpected disconnect while reading sideband packet\nfatal: early EOF\nfatal: fetch-pack: invalid index-pack output',
    reason: 'DumpTruncated',
  },
  {
    stderr: 'error: RPC failed; curl 18 transfer closed with outstanding read data remaining',
    reason: 'DumpTruncated',
  },
  { stderr: 'fatal: write error: No space left on device', reason: 'OutOfScratchSpace' },
  { stderr: `fatal: sha1 file '<stdout>' write error. Out of diskspace`, reason: 'OutOfScratchSpace' },
  { stderr: 'error: unable to normalize alternate object path: /a/objects', reason: 'SourceDamaged' },
  { stderr: `remote: fatal: loose object ${id} (stored in x) is corrupt\nfatal: early EOF`, reason: 'SourceDamaged' },
  { stderr: 'fatal: remote did not send all necessary objects', reason: 'SourceDamaged' },
  { stderr: 'fatal: source repository is shallow, reject to clone.', reason: 'SourceDamaged' },
  { stderr: 'fatal: something else', reason: undefined },
  { stderr: 'remote: No space left on device\nremote: Permission denied (publickey)', reason: undefined },
])('$reason is read out of: $stderr', ({ stderr, reason }) => {
  expect(explain(stderr)?.reason).toBe(reason);
});

test.each([
  { lines: [], exitCode: 0, verdict: { flaws: 0 }, reason: 'nothing is said' },
  { lines: ['notice: HEAD points to an unborn branch (main)'], exitCode: 0, verdict: { flaws: 0 }, reason: 'a notice' },
  {
    lines: [
      `error in tree ${id}: zeroPaddedFilemode: contains zero-padded file modes`,
      `warning in tag ${id}: badTagName: x`,
    ],
    exitCode: 5,
    verdict: { flaws: 2 },
    reason: 'two objects of an odd form',
  },
  {
    lines: [`error in tree ${id}: zeroPaddedFilemode: x`],
    exitCode: 3,
    verdict: { damaged: 'git fsck ended with status 3' },
    reason: 'an odd form, and a status that says more',
  },
  {
    lines: [`error in tree ${id}: zeroPaddedFilemode: x`, `missing blob ${id}`],
    exitCode: 3,
    verdict: { damaged: `missing blob ${id}` },
    reason: 'an object is missing',
  },
  {
    lines: [`error in tree ${id}: broken links`],
    exitCode: 1,
    verdict: { damaged: `error in tree ${id}: broken links` },
    reason: 'links',
  },
  { lines: [], exitCode: 1, verdict: { damaged: 'git fsck ended with status 1' }, reason: 'a status without words' },
  {
    lines: [],
    exitCode: undefined,
    verdict: { damaged: 'git fsck ended with status undefined' },
    reason: 'it was killed',
  },
])('what git fsck says is judged: $reason', ({ lines, exitCode, verdict }) => {
  const report = createFsckReport();
  for (const line of lines) report.add(line);
  expect(report.verdict({ exitCode })).toEqual(verdict);
});
