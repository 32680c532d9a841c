import { constants } from 'node:os';
import { explain, volumeError } from '../../../../src/agent/repositories/volume/reasons.ts';
import { volumePlace } from '../../../../src/agent/repositories/volume/repository.ts';
import { volumeIdentity } from '../../../../src/api/v1alpha1/repositories/volume.ts';
import { RunError } from '../../../../src/errors/run-error.ts';

const policy = { namespace: 'shop', name: 'agama' };

test.each([
  { code: 'ENOSPC', reason: 'RepositoryFull', why: 'the disk is full' },
  { code: 'EDQUOT', reason: 'RepositoryFull', why: 'the quota is used up' },
  { code: 'EACCES', reason: 'RepositoryNotWritable', why: 'an NFS export squashes' },
  { code: 'EPERM', reason: 'RepositoryNotWritable', why: 'an immutable file' },
  { code: 'EROFS', reason: 'RepositoryNotWritable', why: 'mounted read-only' },
  { code: 'ENOTDIR', reason: 'RepositoryNotWritable', why: 'a file in the place of a directory' },
  { code: 'ELOOP', reason: 'RepositoryNotWritable', why: 'a link in the place of a file' },
  { code: 'EIO', reason: 'RepositoryUnreachable', why: 'the disk fails, or a soft mount gave up' },
  { code: 'ESTALE', reason: 'RepositoryUnreachable', why: 'the export was made anew' },
  { code: 'ETIMEDOUT', reason: 'RepositoryUnreachable', why: 'the server is gone' },
  { code: 'ENOENT', reason: 'RepositoryIncomplete', why: 'the directory vanished' },
] as const)('$code is $reason: $why', ({ code, reason }) => {
  const error = Object.assign(new Error(`${code}: words, open '/x'`), { code });
  const read = volumeError('Reading x', error);
  expect(read).toBeInstanceOf(RunError);
  expect(read).toMatchObject({ reason, detail: `Reading x failed: ${code}: words, open '/x'.` });
  // As duplicity 3.2.1 says it of a file of the repository.
  const words = `BackendException: [Errno ${constants.errno[code]}] words\nGiving up after 2 attempts. OSError: words.`;
  expect(explain(words)?.reason).toBe(reason);
});

test.each([
  { words: "OSError: [Errno 28] No space left on device: '/scratch/x'", reason: 'OutOfScratchSpace' },
  { words: 'gpg: error writing to temporary file: No space left on device', reason: 'OutOfScratchSpace' },
  { words: 'gpg: decryption failed: Bad session key', reason: 'WrongPassphrase' },
  { words: 'BackendException: [Errno 99] x', reason: undefined },
])('what is not said of the repository is not its fault: $words', ({ words, reason }) => {
  expect(explain(words)?.reason).toBe(reason);
});

test('an error that is none of the file system stays as it is', () => {
  const error = new Error('a bug');
  expect(volumeError('Reading x', error)).toBe(error);
});

test.each([
  { path: '/', directory: 'shop/agama' },
  { path: '/nfs/backups/', directory: 'nfs/backups/shop/agama' },
  { path: '//a', directory: 'a/shop/agama' },
])('the directory below $path', ({ path, directory }) => {
  expect(volumePlace({ path, directory: '/var/lib/holdfast-repository' }, policy)).toEqual({
    mount: '/var/lib/holdfast-repository',
    directory,
  });
});

test('a repository is told by claim and path', () => {
  const identities = [
    { claimName: 'a', path: '/p' },
    { claimName: 'b', path: '/p' },
    { claimName: 'a', path: '/q' },
    { claimName: 'a', path: '/' },
  ].map(volumeIdentity);
  expect(new Set(identities).size).toBe(4);
  expect(volumeIdentity({ claimName: 'a', path: '//p/' })).toBe('volume://a/p');
});
