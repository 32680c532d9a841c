import { RunError } from '../../errors/run-error.ts';
import { lastWords, type Ended } from '../exec.ts';
import type { DuplicityAddress, Repository } from '../repositories/repository.ts';
import type { RunContext } from '../run.ts';
import { type LogEntry, objections, parseLog } from './duplicity-log.ts';
import { type Explanation, oneLine, reasonOfCode, withoutCommand } from './reasons.ts';

/** How what is shipped is encrypted, ready for duplicity. The passphrase goes to it by its environment only. */
export type Encryption =
  { method: 'gpg'; fingerprint: string } | { method: 'passphrase'; passphrase: string } | { method: 'none' };

/** The identity of an encryption, as the ledger keeps it. */
export const encryptionIdentity = (encryption: Encryption): string =>
  encryption.method === 'gpg' ? `gpg:${encryption.fingerprint}` : encryption.method;

export interface DuplicityTarget {
  /** The directory of the chain in the repository. */
  address: DuplicityAddress;
  /** `--archive-dir`, and `--name` in it. */
  archive: string;
  name: string;
  /** `--tempdir`; duplicity needs 2.3 volumes of space there, besides those that wait to be sent. */
  temporary: string;
  encryption: Encryption;
}

/** A row of a dump that changed costs its block: the smaller blocks are, the smaller an incremental, until their signatures outweigh that. */
const smallestBlock = 1024;
/** Each block of a file takes some 40 bytes of memory while the next incremental is made. */
const mostBlocks = 8 * 1024 * 1024;
/** gpg compresses in one thread, which is what a full waits for: level 6, its default, takes two and a half times as long for a sixth less. */
const compressLevel = 1;
const mebibyte = 1024 * 1024;
const aimedVolumes = 16;
const largestVolume = 200;

/** Descriptors of duplicity: 3 is the lock, 4 the log. */
const logFd = 4;

/** `--volsize` in MiB: about 16 volumes, so that little copies need little scratch space and large ones are not cut into thousands. */
export const volumeSize = (copyBytes: number): number =>
  Math.min(largestVolume, Math.max(1, Math.ceil(copyBytes / mebibyte / aimedVolumes)));

/** `--max-blocksize` in bytes, a multiple of 512 as duplicity has it: small, but not so small that a large dump would take all memory. */
export const blockSize = (copyBytes: number): number =>
  Math.max(smallestBlock, Math.ceil(copyBytes / mostBlocks / 512) * 512);

const encryptionArguments = (encryption: Encryption): string[] => {
  if (encryption.method === 'none') return ['--no-encryption'];
  const compress = `--compress-level=${compressLevel}`;
  if (encryption.method === 'passphrase') return [`--gpg-options=${compress}`];
  return [`--encrypt-key=${encryption.fingerprint}`, `--gpg-options=--trust-model=always ${compress}`];
};

/** Options by their full names: duplicity takes prefixes, and a wrong one may mean something else. */
const commonArguments = (target: Omit<DuplicityTarget, 'encryption'>, encryption: readonly string[]): string[] => [
  `--archive-dir=${target.archive}`,
  `--name=${target.name}`,
  `--tempdir=${target.temporary}`,
  ...encryption,
  '--num-retries=2',
  '--backend-retry-delay=5',
  `--log-fd=${logFd}`,
  '--verbosity=3',
  ...target.address.options,
];

/** Arguments of a backup of so many bytes. `source` has the same path in every run: duplicity refuses another one. */
export const backupArguments = (
  action: 'full' | 'incremental',
  target: DuplicityTarget,
  source: string,
  copyBytes: number,
): string[] => [
  action,
  ...commonArguments(target, encryptionArguments(target.encryption)),
  `--max-blocksize=${blockSize(copyBytes)}`,
  `--volsize=${volumeSize(copyBytes)}`,
  source,
  target.address.url,
];

/**
 * Arguments that bring one set back into a directory that is not there yet. The time is that of the very set: of any other duplicity takes
 * the set before, or the oldest, without a word. Owners are not restored: the pod may not give files away.
 */
export const restoreArguments = (
  target: Omit<DuplicityTarget, 'encryption'> & { readonly encrypted: boolean },
  setTime: string,
  directory: string,
): string[] => [
  'restore',
  ...commonArguments(target, target.encrypted ? [] : ['--no-encryption']),
  `--time=${setTime}`,
  '--no-restore-ownership',
  // What it wants free before it begins is counted in volumes of this size, which a restore does not make.
  '--volsize=1',
  target.address.url,
  directory,
];

/** Arguments that ask what duplicity finds in the chain. */
export const statusArguments = (target: DuplicityTarget): string[] => [
  'collection-status',
  ...commonArguments(target, encryptionArguments(target.encryption)),
  target.address.url,
];

export interface DuplicityScope {
  context: Pick<RunContext, 'run'>;
  repository: Pick<Repository, 'explain'>;
  gpgHome: string;
  /** What encrypts without a key, or opens the private key; left out where duplicity needs none. */
  passphrase?: string | undefined;
  /** A directory that is searched for programs before all others. */
  programs?: string | undefined;
  /** The descriptor of the lock on the repository. */
  lockFd: number;
}

/** What duplicity said, the last error first: that is where it gave up. */
const wordsOf = (entries: readonly LogEntry[], stderr: string): string =>
  [
    ...entries.filter(({ level }) => level === 'ERROR').toReversed(),
    ...entries.filter(({ level }) => level === 'WARNING').toReversed(),
  ]
    .map(({ text }) => withoutCommand(text))
    .concat(withoutCommand(stderr))
    .join('\n');

/** How duplicity failed, by what it said and by its codes. */
export interface DuplicityFailure {
  /** Set when its words tell a known cause. */
  readonly explanation: Explanation | undefined;
  /** Its last exit or log code. */
  readonly code: number;
  /** All that it said, the last error first. */
  readonly words: string;
  /** One line for a message. */
  readonly message: string;
}

/** Its last words, whether it succeeded or failed. */
const lastWordsLine = '. Duplicity backup complete.';
const endsWithinMs = 20_000;

/**
 * A restore that stops at a damaged volume of an incremental waits for the gpg of the full's volume, which waits for being read: for ever.
 * So it is stopped when it does not end after its last words.
 */
const watchEnd = () => {
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: stop.signal,
    line(line: string): void {
      if (line !== lastWordsLine) return;
      timer ??= setTimeout(() => stop.abort(new Error('duplicity does not end')), endsWithinMs);
    },
    dispose: (): void => clearTimeout(timer),
  };
};

/** Runs duplicity, and gives its log, or how it failed. Its exit status alone proves nothing: an error or an unknown warning in its log is a failure as well. */
export const tryDuplicity = async (
  scope: DuplicityScope,
  args: readonly string[],
): Promise<{ readonly entries: LogEntry[]; readonly failure?: DuplicityFailure }> => {
  const { context, repository, gpgHome, passphrase, programs, lockFd } = scope;
  const lines: string[] = [];
  const watch = watchEnd();
  const command = {
    file: 'duplicity',
    args,
    ...(programs !== undefined && { programs }),
    env: {
      GNUPGHOME: gpgHome,
      PYTHONDONTWRITEBYTECODE: '1',
      ...(passphrase !== undefined && { PASSPHRASE: passphrase }),
    },
    extra: [
      { inherit: lockFd },
      {
        line: (line: string) => {
          lines.push(line);
          watch.line(line);
        },
      },
    ],
    tailLines: 60,
  };
  const ended = await context.run(command, watch.signal).catch((error: unknown): Ended => {
    if (error !== watch.signal.reason) throw error;
    return { exitCode: undefined, killedBy: 'the agent, since it did not end by itself', stdout: '', stderr: '' };
  });
  watch.dispose();
  const entries = parseLog(lines.join('\n'));
  const against = objections(entries);
  if (ended.exitCode === 0 && against.length === 0) return { entries };
  const words = wordsOf(entries, ended.stderr);
  const explanation = repository.explain(words);
  const code = against.findLast(({ code }) => code > 1)?.code ?? ended.exitCode ?? 1;
  const shown = explanation?.words ?? oneLine(words === '' ? lastWords('duplicity', ended) : words);
  const message = `duplicity ${args[0]}: ${shown} (status ${ended.exitCode ?? ended.killedBy}).`;
  return { entries, failure: { explanation, code, words, message } };
};

/**
 * Runs duplicity.
 * @throws RunError with what its words, or its codes, stand for
 */
export const runDuplicity = async (scope: DuplicityScope, args: readonly string[]): Promise<LogEntry[]> => {
  const { entries, failure } = await tryDuplicity(scope, args);
  if (failure === undefined) return entries;
  throw new RunError(failure.explanation?.reason ?? reasonOfCode(failure.code), failure.message);
};
