import type { VerifyTask } from '../../api/v1alpha1/task.ts';
import type { RunContext } from '../run.ts';

/** What one engine's scratch server then held, beside what facts.json says that the source held. */
export interface Compared {
  /** Tables, views, measurements, refs and so on that were compared. */
  readonly objects: number;
  /** Rows, points or objects of git that were compared. */
  readonly rows: number;
  /**
   * What differs, an object each, in words with its name: "table agama.orders: 999 rows instead of 1000". What is missing and what is there
   * beside what was recorded differs too. Empty: all is equal.
   */
  readonly mismatches: readonly string[];
  /** What the facts do not witness, so that it could not be compared: then the whole is not verified. */
  readonly notWitnessed: readonly string[];
}

/**
 * What loads a backup of one kind of source, and compares what is there then with facts.json. A restore uses the same two. Adding an engine is
 * a folder, and a line in the registry.
 */
export interface VerifyEngine {
  /** Waits until the scratch server answers; gives its engine and version: `mariadb 10.11.6`. @throws RunError SandboxUnavailable */
  start(context: RunContext<VerifyTask>): Promise<string>;
  /** Why this server cannot hold the backup in `directory`: another engine or release. Undefined: it can. */
  unsuitable(directory: string, server: string): Promise<string | undefined>;
  /** Loads the backup in `directory` into the empty scratch server. @throws RunError BackupNotLoadable */
  load(context: RunContext<VerifyTask>, directory: string): Promise<void>;
  /** Takes the facts of the scratch server, and compares them with those of the backup. @throws RunError BackupDamaged: facts.json is unreadable */
  compare(context: RunContext<VerifyTask>, directory: string): Promise<Compared>;
  /** Runs one statement of the policy's own: its rows as lines, values with a tab between. @throws RunError QueryFailed */
  query(context: RunContext<VerifyTask>, directory: string, statement: string): Promise<string>;
  /** Empties the scratch server, for another backup. */
  clear(context: RunContext<VerifyTask>): Promise<void>;
}
