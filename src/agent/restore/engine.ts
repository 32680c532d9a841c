import type {
  DestinationEvidence,
  DestinationState,
  SafetyCopy,
  SafetyCopyFound,
} from '../../api/v1alpha1/restore-report.ts';
import type { CopyOf, DestinationTask, RestoreInto } from '../../api/v1alpha1/task.ts';
import type { RunContext } from '../run.ts';
import type { Compared } from '../verify/engine.ts';

export type RestoreContext = RunContext<DestinationTask>;

/** What an engine's restorer is made for: the target's block, and where the data goes there. */
export interface RestoreOrder<Block> {
  readonly target: Block;
  readonly into: RestoreInto;
  /** In the names of all that it makes at the destination; the same whenever the same restore is tried again. */
  readonly id: string;
}

/** What was looked at to judge a loss. */
export type Found = Omit<DestinationEvidence, 'expectedTime' | 'healthy' | 'summary'>;

/**
 * What brings a backup of one kind of source back. Each part runs in a container of its own, one after the other, and nothing is kept in memory
 * between them: what the next one needs follows from `id`, or lies at the destination. Each may be killed at any moment and be
 * called again, by the same request or by another that finds what it left. Adding an engine is a folder, and a line in the registry.
 */
export interface RestoreEngine {
  /**
   * What is at the destination now, beside what the newest local copy in `newest` (with its facts.json; undefined: there is none) says that
   * the source held. Touches nothing. @throws RunError SourceUnreachable, AccessDenied, PrivilegeMissing: also of a right that load or swap will need;
   * DestinationNotEmpty where `into` asks for what must not be there; DestinationUnsupported: it holds what the exchange cannot handle
   */
  look(context: RestoreContext, newest: string | undefined): Promise<Found>;
  /**
   * Puts back what a restore that was killed in the middle of its exchange left (any id), and removes what one of this id loaded; what another
   * one set aside stays. Gives what was done in words, undefined for nothing.
   */
  recover(context: RestoreContext): Promise<string | undefined>;
  /** Loads the backup in `directory` beside the present data, or where it is to stay. The present data is not touched. @throws RunError BackupNotLoadable, DestinationNotEmpty, … */
  load(context: RestoreContext, directory: string): Promise<void>;
  /** Compares what was loaded with the facts of the backup. @throws RunError BackupDamaged: facts.json is unreadable */
  compare(context: RestoreContext, directory: string): Promise<Compared>;
  /**
   * InPlace alone: sets aside what is there, and puts what was loaded in its place. Tells `state` before and after it touches anything:
   * Unavailable before the first change, Replaced when all is in its place, PutBack when it failed and what was there is there again, whole.
   * Telling Unavailable throws when nothing may be begun any more (told to stop, cancelled, the workloads may be up): then nothing was changed,
   * and nothing is left by which a later restore would put something back.
   * An engine whose exchange is one atomic step goes from Untouched to Replaced. @throws RunError ExchangeFailed, DestinationUnsupported
   */
  swap(context: RestoreContext, directory: string, tell: (state: DestinationState) => void): Promise<SafetyCopy>;
  /** Compares what is in place now with the facts, as deep as the swap may have changed it. */
  check(context: RestoreContext, directory: string): Promise<Compared>;
  /**
   * Removes what load made, after a failure or a cancel. Nothing there is success. It is not called when load threw DestinationNotEmpty, and must
   * know by the destination itself what is of this id: another process may call it, and by the name of `into` alone something of somebody's
   * may be there.
   */
  discardLoaded(context: RestoreContext): Promise<void>;
  /** Removes what swap set aside. Nothing there is success. */
  discardSafetyCopy(context: RestoreContext): Promise<void>;
  /** The same, of what an earlier restore has set aside instead of a backup. Undefined: the engine cannot, and a person does it by hand. */
  puttingBack?(from: Pick<CopyOf, 'id' | 'count'>): PutBackEngine;
}

/**
 * Puts back what an earlier restore has set aside, with the parts of a restore; what recovers and discards is the engine's as ever. `directory` is
 * for it alone: `load` lays facts.json there, which says what the copy holds, and which the others compare with. What is put back may be moved,
 * or copied; the exchange sets the present data aside like any other, and until it is done, undoing it leaves the copy whole.
 */
export interface PutBackEngine extends Pick<RestoreEngine, 'load' | 'compare' | 'swap' | 'check'> {
  /** Also looks whether the copy is there, whole. @throws RunError SafetyCopyUnavailable; and as of a restore */
  look(
    context: RestoreContext,
    newest: string | undefined,
  ): Promise<{ readonly found: Found; readonly copy: SafetyCopyFound }>;
}
