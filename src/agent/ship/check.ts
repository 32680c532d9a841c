import type { LedgerSet } from '../ledger.ts';
import type { BackupStatistics, CollectionStatus } from './duplicity-log.ts';
import type { ListedFile } from './listing.ts';
import { manifestVolumes, parseSetFile } from './set-files.ts';

/** What a new set is proven by. */
export interface UploadEvidence {
  /** The directory of the chain as listed after the upload. */
  files: readonly ListedFile[];
  /** The sets the chain had before. */
  earlier: readonly LedgerSet[];
  /** The time of the new set, as in its file names. */
  setTime: string;
  /** Its manifest in the clear, from the archive-dir. */
  manifest: string;
  statistics: BackupStatistics;
  /** Files and directories that were to be read. */
  sourceEntries: number;
  /** What duplicity says of the whole chain. */
  status: CollectionStatus | undefined;
}

export type UploadVerdict = { whole: true; files: ListedFile[] } | { whole: false; problem: string };

const firstProblem = (evidence: UploadEvidence, own: readonly ListedFile[]): string | undefined => {
  const { files, earlier, setTime, manifest, statistics, sourceEntries, status } = evidence;
  const parts = own.map((file) => ({ ...file, ...parseSetFile(file.name) }));
  const empty = own.find(({ size }) => size === 0);
  if (empty) return `${empty.name} is empty`;
  const count = (part: string): number => parts.filter((each) => each.part === part).length;
  if (count('manifest') !== 1) return `there are ${count('manifest')} manifests of ${setTime}`;
  if (count('signatures') !== 1) return `there are ${count('signatures')} signature files of ${setTime}`;
  const listed = manifestVolumes(manifest).toSorted((a, b) => a - b);
  const there = parts.flatMap(({ volume }) => volume ?? []).toSorted((a, b) => a - b);
  if (listed.length === 0) return `the manifest of ${setTime} lists no volume`;
  if (listed.some((volume, index) => volume !== index + 1)) return `the manifest of ${setTime} leaves volumes out`;
  const missing = listed.find((volume) => !there.includes(volume));
  if (missing !== undefined) return `volume ${missing} of ${listed.length} is missing`;
  if (there.length !== listed.length) return `there are ${there.length} volumes instead of ${listed.length}`;
  const sum = parts.filter(({ part }) => part === 'volume').reduce((total, { size }) => total + size, 0);
  if (sum !== statistics.totalDestinationSizeChange)
    return `the volumes have ${sum} bytes, ${statistics.totalDestinationSizeChange} were sent`;
  if (statistics.errors > 0) return `${statistics.errors} files could not be read`;
  if (statistics.sourceFiles !== sourceEntries)
    return `${statistics.sourceFiles} files were read instead of ${sourceEntries}`;
  const sizes = new Map(files.map(({ name, size }) => [name, size]));
  for (const { name, size } of earlier.flatMap((set) => set.files))
    if (sizes.get(name) !== size) return `${name} of an earlier set ${sizes.has(name) ? 'changed' : 'is missing'}`;
  if (!status?.complete || status.orphaned !== 0 || status.incomplete !== 0)
    return 'duplicity does not find the chain complete';
  const last = status.sets.at(-1);
  if (status.sets.length !== earlier.length + 1 || last?.time !== setTime || last.volumes !== listed.length)
    return 'duplicity finds other sets in the chain than were made';
  return undefined;
};

/** Judges an upload by what lies in the repository afterwards, whatever duplicity said of it. */
export const judgeUpload = (evidence: UploadEvidence): UploadVerdict => {
  const own = evidence.files.filter(({ name }) => parseSetFile(name)?.setTime === evidence.setTime);
  const problem = firstProblem(evidence, own);
  return problem === undefined ? { whole: true, files: own } : { whole: false, problem };
};
