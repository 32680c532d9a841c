import type { DumpTask } from '../../api/v1alpha1/task.ts';
import type { Ledger, LedgerCopy } from '../ledger.ts';
import type { RunContext } from '../run.ts';
import { defaultShrinkPercent, measuresOf, shrinkOf } from '../shrink.ts';
import { plainText, shorten } from '../text.ts';
import { byDataTime } from './tidy.ts';

const maxNames = 5000;
const maxNameBytes = 256 * 1024;

/** The names that the ledger keeps of a copy; none when they are too many to be worth it. */
export const fitHolding = (names: readonly string[] | undefined): string[] | undefined => {
  if (names === undefined || names.length > maxNames) return undefined;
  return Buffer.byteLength(JSON.stringify(names)) > maxNameBytes ? undefined : [...names].toSorted();
};

/** What held something in the copy before and holds nothing in this one. */
export const goneFrom = (before: readonly string[], now: readonly string[]): string[] => {
  const there = new Set(now);
  return before.filter((name) => !there.has(name));
};

const shown = (names: readonly string[]): string => {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return shorten(plainText(`${names.slice(0, 3).join(', ')}${more}`), 160);
};

/**
 * Compares a copy that was just made with what is stored, and says what looks like an emptied source: marked when it holds so much less
 * that retention must not go on, else noted when a table or the like lost everything.
 */
export const compareCopy = (
  { task, note }: Pick<RunContext<DumpTask>, 'task' | 'note'>,
  ledger: Ledger,
  copy: LedgerCopy,
): Pick<LedgerCopy, 'shrunk'> => {
  const percent = task.freezeOnShrink ?? defaultShrinkPercent;
  const shrunk = shrinkOf({ dataTime: copy.dataTime, bytes: copy.sizeBytes, rows: copy.rows }, measuresOf(ledger), {
    percent,
    accepted: ledger.acceptedShrink,
  });
  const earlier = ledger.copies.toSorted(byDataTime);
  const before = earlier.findLast(({ holding }) => holding !== undefined);
  const gone = copy.holding === undefined ? [] : goneFrom(before?.holding ?? [], copy.holding);
  if (gone.length > 0 && before !== undefined) {
    note({ reason: 'ContentGone', message: `Held something on ${before.dataTime} and nothing now: ${shown(gone)}.` });
  }
  if (shrunk === undefined) return {};
  // Told once: every copy that is as small is marked, and needs no Event of its own.
  if (earlier.at(-1)?.shrunk !== undefined) return { shrunk };
  note({
    reason: 'SourceShrunk',
    message: `The source may have been emptied: this copy holds ${shrunk}. Nothing is removed from the repository until that is mended or accepted.`,
  });
  return { shrunk };
};
