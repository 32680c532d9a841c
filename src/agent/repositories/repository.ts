import type { ExtraFd } from '../exec.ts';
import type { Remote } from '../ship/remote.ts';
import type { RunContext } from '../run.ts';
import type { Explanation } from '../ship/reasons.ts';
import type { EndScope } from '../tidy.ts';

/** What a repository needs of the run. */
export interface RepositoryContext extends Pick<RunContext, 'run' | 'secrets'>, EndScope {}

/** What access to a repository needs of the run that holds the lock on it. */
export interface RemoteScope {
  /** A directory for what is fetched. */
  scratch: string;
  /** Descriptors that every program inherits: the lock lasts as long as any of them. */
  extra: readonly ExtraFd[];
}

/** How duplicity reaches a directory of the repository. */
export interface DuplicityAddress {
  /** Its target URL; every part of it has its own allow-list of characters in the schema. */
  url: string;
  /** Arguments that this kind of target needs. */
  options: readonly string[];
}

/** How duplicity is had work on a volume while another is on its way. */
export interface Ahead {
  /** A directory that is searched for programs before all others. */
  readonly programs: string;
  /** How many volumes lie there beside the one that is worked on. */
  readonly volumes: number;
}

/**
 * The directory of a policy in a repository, made ready: its Secrets are read, its files laid out, nothing was asked yet. Adding a kind of
 * repository is a folder that prepares one, and a line in the registry.
 */
export interface Repository {
  /** The identity that the ledger keeps chains under: another place has another one. */
  readonly identity: string;
  /** Access to the files in it. */
  remote(scope: RemoteScope): Remote;
  /**
   * What duplicity is told of the directory of a chain, which must be there.
   * @throws RunError when duplicity would read or write elsewhere
   */
  address(chain: string): Promise<DuplicityAddress>;
  /**
   * Has volumes sent while the next is made, and of those with these names the next one fetched while one is read; left out where the way
   * takes no time. They lie in a directory on the file system of duplicity's temporary files. What is done ahead ends with duplicity.
   */
  ahead?(directory: string, names: readonly string[]): Promise<Ahead>;
  /** The cause in what duplicity, or what it ran, said of this repository. */
  explain(words: string): Explanation | undefined;
  /** Ends what was kept open for the run. */
  close(): Promise<void>;
}
