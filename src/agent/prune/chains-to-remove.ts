import { parseDuration } from '../../api/v1alpha1/duration.ts';
import type { Zone } from '../../cron/zone.ts';
import { expiryOf } from '../../cron/expiry.ts';

/** What retention looks at of a chain. */
export interface ChainAge {
  /** Its directory. */
  readonly name: string;
  /** The states of the data that it holds, one a set. */
  readonly points: readonly Date[];
  /** Whether all of them can be restored, as far as the repository's listing shows. */
  readonly intact: boolean;
  /** When a set of it was last restored and found equal. */
  readonly verified?: Date;
}

export interface RetentionInput {
  readonly chains: readonly ChainAge[];
  readonly policy: { readonly keepFor?: string | undefined; readonly keepFullChains?: number | undefined };
  /** Names of chains that stay whatever their age. */
  readonly protect: readonly string[];
  readonly now: Date;
  /** The time zone whose calendar months count. */
  readonly zone: Zone;
}

export interface RetentionDecision {
  /** Names of the chains that are no longer asked for, oldest first. */
  readonly remove: readonly string[];
  /** When, with no further backup, the next chain is due; undefined: not before there is another full. */
  readonly nextDue: Date | undefined;
}

const latest = (points: readonly Date[]): number => Math.max(...points.map((point) => point.getTime()));
const earliest = (points: readonly Date[]): number => Math.min(...points.map((point) => point.getTime()));

/** A chain begun later; of two of the same second the one whose name says so. */
const isNewer = (other: ChainAge, chain: ChainAge): boolean => {
  const distance = earliest(other.points) - earliest(chain.points);
  return distance > 0 || (distance === 0 && other.name > chain.name);
};

/**
 * When a chain may go by age: as soon as an intact chain has a point that is newer than all of this one's and is itself older than
 * keepFor. Until then this chain is needed to restore to a moment within keepFor, however old its own points are: the state of yesterday
 * four weeks ago is in the set made before it. The earliest such point comes due first.
 */
const dueByAge = (chain: ChainAge, intact: readonly ChainAge[], expiry: (point: Date) => Date): Date | undefined => {
  const newest = latest(chain.points);
  const covers = intact
    .filter(({ name }) => name !== chain.name)
    .flatMap(({ points }) => points.filter((point) => point.getTime() > newest));
  return covers.length === 0 ? undefined : expiry(new Date(earliest(covers)));
};

/** The chain that was verified last; of several the one with the newest point. */
const lastVerified = (chains: readonly ChainAge[]): ChainAge | undefined =>
  chains
    .filter(({ verified }) => verified !== undefined)
    .toSorted(
      (a, b) => (a.verified?.getTime() ?? 0) - (b.verified?.getTime() ?? 0) || latest(a.points) - latest(b.points),
    )
    .at(-1);

/**
 * Which chains retention removes, whole. Pure. A chain goes only when every rule that is given allows it; a broken chain counts neither
 * as a cover for another's age nor among those that are kept by number, and goes by the same rules itself. The chain with the newest
 * restorable point always stays, so there is an intact chain afterwards if there was one before; with none nothing goes. So does the
 * chain that was verified last, and of the intact ones that which was: what is proven is not given up for what is not.
 */
export const chainsToRemove = ({ chains, policy, protect, now, zone }: RetentionInput): RetentionDecision => {
  const { keepFor, keepFullChains } = policy;
  const held = chains.filter(({ points }) => points.length > 0);
  const intact = held.filter((chain) => chain.intact);
  if (intact.length === 0 || (keepFor === undefined && keepFullChains === undefined)) {
    return { remove: [], nextDue: undefined };
  }
  const span = keepFor === undefined ? undefined : parseDuration(keepFor);
  const newest = Math.max(...intact.map(({ points }) => latest(points)));
  const proven = [lastVerified(held), lastVerified(intact)];
  const mayGo = held.filter((chain) => {
    if (proven.includes(chain)) return false;
    if (protect.includes(chain.name) || (chain.intact && latest(chain.points) === newest)) return false;
    return keepFullChains === undefined || intact.filter((other) => isNewer(other, chain)).length >= keepFullChains;
  });
  const due = mayGo.flatMap((chain) => {
    if (span === undefined) return [{ chain, at: now }];
    const at = dueByAge(chain, intact, (point) => expiryOf(point, span, zone));
    return at === undefined ? [] : [{ chain, at }];
  });
  const later = due.map(({ at }) => at.getTime()).filter((at) => at > now.getTime());
  return {
    remove: due
      .filter(({ at }) => at.getTime() <= now.getTime())
      .map(({ chain }) => chain)
      .toSorted((a, b) => earliest(a.points) - earliest(b.points) || (a.name < b.name ? -1 : 1))
      .map(({ name }) => name),
    nextDue: later.length === 0 ? undefined : new Date(Math.min(...later)),
  };
};
