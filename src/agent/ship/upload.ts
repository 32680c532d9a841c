import { readdir, readFile } from 'node:fs/promises';
import { RunError } from '../../errors/run-error.ts';
import type { LedgerChain, LedgerCopy, LedgerSet } from '../ledger.ts';
import { compactTime } from '../layout.ts';
import { allEnded } from '../../base/all-ended.ts';
import { secondsBetween, timestamp } from '../../base/times.ts';
import { archivedFile, sha256OfSignatures, sha256OfText } from './archive.ts';
import { judgeUpload } from './check.ts';
import { contentOf } from './content.ts';
import type { ChosenChain } from './choose.ts';
import { countEntries } from './copy.ts';
import { backupStatistics, collectionStatus } from './duplicity-log.ts';
import { backupArguments, runDuplicity, statusArguments, volumeSize } from './duplicity.ts';
import { filesIn } from './listing.ts';
import { duplicityScope, duplicityTarget, type Session } from './session.ts';
import { isoOfStamp, parseSetFile } from './set-files.ts';
import { checkSpace } from './space.ts';

const incomplete = (problem: string): RunError =>
  new RunError('RepositoryIncomplete', `The new set is not whole: ${problem}.`);

/** The time of the one set that an archive-dir holds more than before. */
const newSetTime = async (archive: string, earlier: readonly LedgerSet[]): Promise<string> => {
  const known = new Set(earlier.map(({ setTime }) => compactTime(new Date(setTime))));
  const added = (await readdir(archive)).flatMap((name) => {
    const file = parseSetFile(name);
    return file?.part === 'manifest' && !known.has(file.setTime) ? [file] : [];
  });
  const [set] = added;
  if (!set || added.length !== 1) throw incomplete(`duplicity wrote ${added.length} manifests instead of one`);
  const last = earlier.at(-1);
  const base = last && compactTime(new Date(last.setTime));
  if (set.baseTime !== base)
    throw incomplete(`it continues ${set.baseTime ?? 'nothing'} instead of ${base ?? 'nothing'}`);
  return set.setTime;
};

/**
 * Ships what is laid out in `outgoing` as a new set of the chosen chain, and proves it: by the repository listed again, and by duplicity's
 * own view of the chain. The set's files are in the repository then; the archive-dir and the ledger do not know it yet.
 * @throws RunError RepositoryIncomplete when it is not whole; whatever the repository, gpg and duplicity fail with
 */
export const upload = async (session: Session, chosen: ChosenChain, copy: LedgerCopy): Promise<LedgerSet> => {
  const { context, archive, remote, repository, scratch } = session;
  const { directory, continued } = chosen;
  const earlier = continued?.sets ?? [];
  const action = continued ? 'incremental' : 'full';
  const scope = duplicityScope(session);
  const started = context.now();

  const { log, archiveCopy, target } = await context.step('Upload', async () => {
    const ahead = await repository.ahead?.(scratch, []);
    await checkSpace(session, chosen, { mebibytes: volumeSize(copy.sizeBytes), ahead: ahead?.volumes ?? 0 });
    const archiveCopy = await archive.begin(directory, continued);
    if (!continued) await remote.makeDirectory(directory);
    const target = await duplicityTarget(session, directory);
    const args = backupArguments(action, target, context.layout.outgoing, copy.sizeBytes);
    const log = await runDuplicity({ ...scope, programs: ahead?.programs }, args);
    await remote.flush(directory);
    return { log, archiveCopy, target };
  });

  return context.step('Check', async () => {
    const statistics = backupStatistics(log);
    if (!statistics) throw incomplete('duplicity gave no statistics');
    const setTime = await newSetTime(archiveCopy, earlier);
    const manifestFile = await archivedFile(archiveCopy, setTime, 'manifest');
    const signatures = await archivedFile(archiveCopy, setTime, 'signatures');
    if (manifestFile === undefined || signatures === undefined)
      throw incomplete('the archive-dir lacks its signatures');
    const manifest = await readFile(manifestFile);
    // None of them needs another, and each waits for something else.
    const [listing, asked, signaturesDigest] = await allEnded([
      remote.list(),
      runDuplicity(scope, statusArguments(target)),
      sha256OfSignatures(signatures, context.signal),
    ]);
    const verdict = judgeUpload({
      files: filesIn(listing, directory),
      earlier,
      setTime,
      manifest: manifest.toString('utf8'),
      statistics,
      sourceEntries: await countEntries(context.layout.outgoing),
      status: collectionStatus(asked),
    });
    if (!verdict.whole) throw incomplete(verdict.problem);
    const completed = context.now();
    return {
      type: continued ? 'Incremental' : 'Full',
      setTime: isoOfStamp(setTime),
      dataTime: copy.dataTime,
      completionTime: timestamp(completed),
      durationSeconds: secondsBetween(started, completed),
      sizeBytes: verdict.files.reduce((total, { size }) => total + size, 0),
      sentBytes: statistics.rawDeltaSize,
      jobName: context.jobName,
      setDigest: sha256OfText(manifest),
      ...(copy.factsDigest !== undefined && { factsDigest: copy.factsDigest }),
      ...(copy.server !== undefined && { server: copy.server }),
      copy: copy.name,
      ...(copy.source !== undefined && { source: copy.source }),
      sourceBytes: copy.sizeBytes,
      ...(copy.rows !== undefined && { sourceRows: copy.rows }),
      content: contentOf(copy.files),
      signaturesDigest,
      files: verdict.files,
    };
  });
};

/** The chain with its new set. */
export const chainWith = (session: Session, { directory, continued }: ChosenChain, set: LedgerSet): LedgerChain => ({
  repository: session.repositoryId,
  place: session.context.task.subject.repository,
  directory,
  encryption: session.encryptionId,
  sets: [...(continued?.sets ?? []), set],
  checkedTime: set.completionTime,
});
