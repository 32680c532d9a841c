import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../../errors/run-error.ts';
import { compactTime } from '../layout.ts';
import { archivedFile, sha256OfSignatures, sha256OfText } from '../ship/archive.ts';
import { type DuplicityFailure, restoreArguments, tryDuplicity } from '../ship/duplicity.ts';
import { bytesBelow, sizeWords } from '../space.ts';
import { CheckFailed, type Finding } from '../verify/report.ts';
import { type Choice, setsUpTo, verifiedSetOf } from './choose.ts';
import { diagnose } from './diagnose.ts';
import type { FetchedSet } from './handover.ts';
import { checkMethod, filesOf, readManifest, whereOf } from './manifest.ts';
import { tellFetched } from './evidence.ts';
import { dataTimeIn, judgeDataTime, judgeRestored, judgeUnrecorded, readRestored } from './restored.ts';
import type { FetchSession } from './session.ts';

const progressMs = 10_000;

/** Says every few seconds how far it is: duplicity itself would only count its volumes. */
const tellProgress = ({ context: { log } }: FetchSession, directory: string, of: number | undefined): (() => void) => {
  const timer = setInterval(() => {
    void bytesBelow(directory)
      .then((bytes) =>
        log.info(`fetched ${sizeWords(bytes)} of ${of === undefined ? 'what is not known' : sizeWords(of)}`, {
          bytes,
          of,
        }),
      )
      .catch(() => undefined);
  }, progressMs);
  return () => clearInterval(timer);
};

/** Causes that are the way's, not the backup's; a missing file, and gpg's refusal of a key that was tried, are the backup's. */
const aboutTheBackup = ['RepositoryIncomplete', 'WrongPassphrase', 'KeyUnusable'] as const;
const noSpace = ['OutOfScratchSpace', 'RepositoryFull'] as const;
const isOneOf = (reasons: readonly string[], reason: string | undefined): boolean =>
  reason !== undefined && reasons.includes(reason);

const mismatched = 21;
const notEnoughSpace = 35;

/** What a failure of duplicity stands for. Unless its words name another cause, every file is looked at: only that tells damage from the rest. */
const explainFailure = async (
  session: FetchSession,
  choice: Choice,
  { explanation, code, words, message }: DuplicityFailure,
): Promise<RunError> => {
  const mismatch = /hash mismatch for file:\s+(\S+)/.exec(words);
  if (code === mismatched && mismatch !== null) {
    // It may be the manifest that is not what it was.
    for (const set of setsUpTo(choice)) await readManifest(session, choice, set);
    return new CheckFailed(
      'readable',
      'BackupDamaged',
      `${mismatch[1]} is not what was stored: its SHA-1 is not that of its manifest`,
    );
  }
  if (isOneOf(noSpace, explanation?.reason) || code === notEnoughSpace) return new RunError('SandboxTooSmall', message);
  if (explanation !== undefined && !isOneOf(aboutTheBackup, explanation.reason))
    return new RunError(explanation.reason, message);
  await diagnose(session, choice);
  return new RunError('ArchiveToolFailed', message);
};

/** Runs duplicity with an archive-dir that is fresh: with one that was used it restores half, and says nothing. */
const restore = async (session: FetchSession, choice: Choice, target: string, temporary: string): Promise<string> => {
  const { context, repository, keys, lock, scratch } = session;
  const { chain, set } = choice;
  const archive = join(scratch, 'archive');
  await rm(archive, { recursive: true, force: true });
  await mkdir(archive, { mode: 0o700 });
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  const args = restoreArguments(
    {
      address: await repository.address(chain.directory),
      archive,
      name: chain.directory,
      temporary,
      encrypted: chain.encryption !== 'none',
    },
    set.setTime,
    target,
  );
  const passphrase = chain.encryption === 'none' ? undefined : keys.passphrase;
  const volumes = setsUpTo(choice).flatMap((each) => filesOf(each, 'volume').map(({ name }) => name));
  const programs = (await repository.ahead?.(temporary, volumes))?.programs;
  const scope = { context, repository, gpgHome: keys.gpgHome, passphrase, programs, lockFd: lock.fd };
  const stop = tellProgress(session, target, set.sourceBytes);
  try {
    const { failure } = await tryDuplicity(scope, args);
    if (failure !== undefined) throw await explainFailure(session, choice, failure);
    return join(archive, chain.directory);
  } finally {
    stop();
    await rm(temporary, { recursive: true, force: true });
  }
};

/** What duplicity read its volumes by must be what was recorded, of every set that it read. @throws CheckFailed; RunError ArchiveToolFailed */
const judgeArchive = async ({ context }: FetchSession, choice: Choice, archive: string): Promise<void> => {
  for (const { setTime, setDigest, signaturesDigest } of setsUpTo(choice)) {
    const stamp = compactTime(new Date(setTime));
    const manifest = await archivedFile(archive, stamp, 'manifest');
    const signatures = await archivedFile(archive, stamp, 'signatures');
    if (manifest === undefined || signatures === undefined)
      throw new RunError('ArchiveToolFailed', `duplicity did not read the set of ${setTime}, and did not say so.`);
    if (sha256OfText(await readFile(manifest)) !== setDigest)
      throw new CheckFailed(
        'complete',
        'BackupDamaged',
        `The manifest of ${setTime} has another SHA-256 than recorded`,
      );
    if (signaturesDigest !== undefined && (await sha256OfSignatures(signatures, context.signal)) !== signaturesDigest)
      throw new CheckFailed('readable', 'BackupDamaged', `The signatures of ${setTime} are not those that were stored`);
  }
};

/** Where one fetched set is laid, and what duplicity works in meanwhile. */
export interface FetchPlace {
  readonly directory: string;
  readonly temporary: string;
}

/**
 * Fetches a set from the repository, decrypts it, and makes sure that every file is what was recorded. What is seen goes into the finding.
 * @throws CheckFailed when the backup is not what it should be; RunError when that could not be found out
 */
export const fetchSet = async (
  session: FetchSession,
  choice: Choice,
  { directory, temporary }: FetchPlace,
  finding: Finding,
): Promise<FetchedSet> => {
  const { context } = session;
  const { set } = choice;
  const began = Date.now();
  const archive = await context.step('Fetch', async () => {
    context.log.info('a set is fetched', { chain: choice.chain.directory, set: set.setTime, bytes: set.sourceBytes });
    checkMethod(session, choice);
    await readManifest(session, choice);
    return restore(session, choice, directory, temporary);
  });
  const seconds = Math.round((Date.now() - began) / 100) / 10;
  finding.seconds.fetch = seconds;
  return context.step('Check', async () => {
    const restored = await readRestored(directory, context.signal);
    const bytes = restored.files.reduce((sum, { size }) => sum + size, 0);
    const { copies } = await context.ledger.read();
    if (choice.unrecorded === undefined) {
      const copy = copies.find(({ name }) => name === set.copy);
      judgeRestored(restored, set, copy);
    } else judgeUnrecorded(restored);
    await judgeArchive(session, choice, archive);
    const dataTime = await dataTimeIn(directory);
    judgeDataTime(choice, dataTime);
    tellFetched(finding, choice, { files: restored.files.length, bytes, seconds, dataTime });
    const { created, readable, complete } = finding.checks;
    if (created === undefined || readable === undefined || complete === undefined)
      throw new RunError('InternalError', 'A check was left out.');
    await rm(archive, { recursive: true, force: true });
    return { set: verifiedSetOf(choice), directory, checks: { created, readable, complete }, bytes, seconds };
  });
};

/** Says of a failed check which set it is of. */
export const ofSet = (choice: Choice, error: unknown): unknown =>
  error instanceof CheckFailed ? error.of(whereOf(choice)) : error;
