/** What a file of duplicity is, read from its name (duplicity, file_naming.py, the long names). */
export interface SetFile {
  /** The file belongs to the set of this time: `20261122T010005Z`. */
  setTime: string;
  /** For an incremental: the time of the set it builds on. */
  baseTime?: string;
  part: 'volume' | 'manifest' | 'signatures';
  /** Number of the volume, from 1. */
  volume?: number;
}

const stamp = String.raw`(\d{8}T\d{6}Z)`;
const span = `${stamp}(?:\\.to\\.${stamp})?`;
const ending = String.raw`(?:\.gz|\.gpg)?`;
const volume = new RegExp(`^duplicity-(?:full|inc)\\.${span}\\.vol(\\d+)\\.difftar${ending}$`);
const manifest = new RegExp(`^duplicity-(?:full|inc)\\.${span}\\.manifest${ending}$`);
const signatures = new RegExp(`^duplicity-(?:full|new)-signatures\\.${span}\\.sigtar${ending}$`);

const times = (first: string, second: string | undefined): Pick<SetFile, 'setTime' | 'baseTime'> =>
  second === undefined ? { setTime: first } : { setTime: second, baseTime: first };

/** Reads the name of a file in a chain's directory or archive-dir; undefined for what duplicity did not write as a finished file. */
export const parseSetFile = (name: string): SetFile | undefined => {
  const volumeMatch = volume.exec(name);
  if (volumeMatch?.[1] !== undefined)
    return { ...times(volumeMatch[1], volumeMatch[2]), part: 'volume', volume: Number(volumeMatch[3]) };
  const manifestMatch = manifest.exec(name);
  if (manifestMatch?.[1] !== undefined) return { ...times(manifestMatch[1], manifestMatch[2]), part: 'manifest' };
  const signaturesMatch = signatures.exec(name);
  if (signaturesMatch?.[1] !== undefined)
    return { ...times(signaturesMatch[1], signaturesMatch[2]), part: 'signatures' };
  return undefined;
};

/** Whether a name is that of a file that rsync was still writing on the host when it ended. */
export const isUnfinishedTransfer = (name: string): boolean => /^\.duplicity-[\w.-]+\.[A-Za-z0-9]{6}$/.test(name);

/** `20261122T010005Z` as a time stamp: `2026-11-22T01:00:05Z`. */
export const isoOfStamp = (compact: string): string =>
  compact.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');

/** The numbers of the volumes that a manifest in the clear lists. */
export const manifestVolumes = (text: string): number[] =>
  [...text.matchAll(/^Volume (\d+):/gm)].map((match) => Number(match[1]));

/** The SHA-1 that a manifest in the clear has of each volume. */
export const manifestVolumeHashes = (text: string): ReadonlyMap<number, string> =>
  new Map(
    [...text.matchAll(/^Volume (\d+):\n(?: +(?!Hash ).*\n)* +Hash SHA1 ([0-9a-f]{40})$/gm)].map(
      ([, volume, hash = '']) => [Number(volume), hash],
    ),
  );
