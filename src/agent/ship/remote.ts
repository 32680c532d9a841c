import type { ListedFile } from './listing.ts';

/**
 * The directory of the policy in the repository, whatever kind that is. Every failure comes with its reason from the catalogue. Names are
 * taken as they are; links are neither listed nor followed.
 */
export interface Remote {
  /** Makes the directory `name` below it, with all above it. */
  makeDirectory(name?: string): Promise<void>;
  /** All files in and below it. @throws RunError RepositoryIncomplete when it is not there */
  list(): Promise<ListedFile[]>;
  /** Brings one file into the scratch space and gives back its path. */
  fetch(name: string): Promise<string>;
  /** Writes one small file. */
  write(name: string, content: string): Promise<void>;
  /**
   * Removes exactly these files from a directory; a name that ends with "/" is an empty directory. What is not there, and what the other
   * side keeps nevertheless, is not an error.
   */
  remove(directory: string, names: readonly string[]): Promise<void>;
  /** The text of one small file. */
  readText(name: string): Promise<string>;
  /** Makes what was written to a directory outlast a power cut, as far as this side of the repository can. */
  flush(directory: string): Promise<void>;
}
