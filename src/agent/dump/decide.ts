import type { Quiesced } from '../../api/v1alpha1/recovery-points.ts';
import type { LedgerCopy } from '../ledger.ts';

/** What is known when a run decides where its copy comes from. */
export interface CopyChoiceInput {
  /** The latest scheduled time of the local copies; missing when the run dumps for itself. */
  readonly slot: Date | undefined;
  /** The newest local copy by the ledger. */
  readonly newest: LedgerCopy | undefined;
  /** Whether its files are all there with their sizes. */
  readonly filesPresent: boolean;
  /** What the policy backs up, by its digest. */
  readonly source: string;
  /** How the source has to be kept still; missing when it need not. */
  readonly quiesce?: Quiesced | undefined;
  /** The run itself: a copy that it took before is its own. */
  readonly jobName?: string;
}

export type CopyChoice = { readonly reuse: LedgerCopy } | { readonly dump: string };

/**
 * Whether a full or incremental ships the copy that is there or dumps anew. A copy is shipped once, and one that is older than its
 * latest scheduled time is never shipped as new: that would show an old state under a new backup's time.
 */
export const chooseCopy = ({ slot, newest, filesPresent, source, quiesce, jobName }: CopyChoiceInput): CopyChoice => {
  if (slot === undefined) return { dump: 'this run makes its own copy' };
  if (newest === undefined) return { dump: 'there is no local copy yet' };
  if (newest.takenBy !== undefined && newest.takenBy !== jobName)
    return { dump: `local copy ${newest.name} is shipped by ${newest.takenBy}` };
  if (newest.shippedAs !== undefined) return { dump: `local copy ${newest.name} was shipped before` };
  if (Date.parse(newest.dataTime) < slot.getTime())
    return { dump: `local copy ${newest.name} is older than its schedule` };
  if (newest.source !== source)
    return { dump: `local copy ${newest.name} is of another source than the policy names now` };
  if (quiesce !== undefined && newest.quiesced !== quiesce)
    return { dump: `local copy ${newest.name} was made while the source was not kept still` };
  if (!filesPresent) return { dump: `local copy ${newest.name} is not whole any more` };
  return { reuse: newest };
};
