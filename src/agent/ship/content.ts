import type { LedgerSet } from '../ledger.ts';
import { sha256OfText } from './archive.ts';

/** A file of a backup. */
export interface ContentFile {
  readonly name: string;
  readonly size: number;
  readonly sha256?: string | undefined;
}

/** All files of a backup in two numbers: how many they are, and a digest of their names, sizes and digests, in whatever order they come. */
export const contentOf = (files: readonly ContentFile[]): NonNullable<LedgerSet['content']> => ({
  files: files.length,
  digest: sha256OfText(
    JSON.stringify(
      files
        .map(({ name, size, sha256 }) => [name, size, sha256 ?? ''] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
    ),
  ),
});
