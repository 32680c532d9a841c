/** A regular file in the repository. */
export interface ListedFile {
  /** Path below the listed directory. */
  name: string;
  /** Size in bytes. */
  size: number;
}

/** The files directly in one directory of a listing, by their bare names. */
export const filesIn = (listing: readonly ListedFile[], directory: string): ListedFile[] =>
  listing.flatMap(({ name, size }) => {
    if (!name.startsWith(`${directory}/`)) return [];
    return [{ name: name.slice(directory.length + 1), size }];
  });

/** The names at the top of a listing: files and directories that hold a file. */
export const topNames = (listing: readonly ListedFile[]): Set<string> =>
  new Set(listing.map(({ name }) => name.split('/', 1)[0] ?? name));
