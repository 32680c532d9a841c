import { isChainName } from '../../prune/review.ts';
import { filesIn, type ListedFile, topNames } from '../../ship/listing.ts';
import { isoOfStamp, isUnfinishedTransfer, parseSetFile, type SetFile } from '../../ship/set-files.ts';

/** A set that is whole by the names and sizes of its files. When it was made is all that they tell. */
export interface FoundSet {
  readonly type: 'Full' | 'Incremental';
  readonly setTime: string;
  readonly files: readonly ListedFile[];
  /** Whether the ledger records it: then it is there only for what continues it. */
  readonly recorded: boolean;
}

/** What the ledger records of a chain. */
export interface RecordedChain {
  readonly setTimes: ReadonlySet<string>;
  /** Why nothing of it is restored, and nothing that continues it. */
  readonly objection: string | undefined;
}

/** A chain with sets that no ledger records, as the repository lists it. */
export interface FoundChain {
  readonly directory: string;
  /** The full, then the incrementals in order, as far as all is whole. */
  readonly sets: readonly FoundSet[];
  /** The first that is not, with the reason: nothing from there on is restored. */
  readonly broken?: { readonly setTime: string; readonly why: string };
}

/** What the directory of a policy is read by. */
export interface FoundInput {
  readonly listing: readonly ListedFile[];
  /** The chains that the ledger records, by their directories. */
  readonly recorded: ReadonlyMap<string, RecordedChain>;
  /** Whether the policy encrypts what is stored. */
  readonly encrypted: boolean;
  readonly now: Date;
}

interface Part extends SetFile {
  readonly name: string;
  readonly size: number;
}

/** Full sets and only they are of one time; the name says both. */
const isOfItsKind = ({ name, baseTime }: Part): boolean =>
  (baseTime === undefined) === name.startsWith('duplicity-full');

const countProblem = (parts: readonly Part[], part: SetFile['part'], what: string): string | undefined => {
  const count = parts.filter((each) => each.part === part).length;
  return count === 1 ? undefined : `it has ${count} ${what} instead of one`;
};

/** Why the files of one time are no whole set. That its last volumes are missing only the manifest tells. */
const setProblem = (parts: readonly Part[], { encrypted, now }: FoundInput): string | undefined => {
  const [first] = parts;
  const odd = parts.find((part) => part.baseTime !== first?.baseTime || !isOfItsKind(part));
  if (odd !== undefined) return `${odd.name} does not belong to it`;
  const otherwise = parts.find(({ name }) => name.endsWith('.gpg') !== encrypted);
  if (otherwise !== undefined)
    return `${otherwise.name} is ${encrypted ? 'not encrypted, as the policy would have it' : 'encrypted, and the policy does not encrypt'}`;
  const empty = parts.find(({ size }) => size === 0);
  if (empty !== undefined) return `${empty.name} is empty`;
  const counted =
    countProblem(parts, 'manifest', 'manifests') ?? countProblem(parts, 'signatures', 'files of signatures');
  if (counted !== undefined) return counted;
  const volumes = parts.flatMap(({ volume }) => volume ?? []).toSorted((a, b) => a - b);
  if (volumes.length === 0) return 'it has no volume';
  const gap = volumes.findIndex((volume, index) => volume !== index + 1);
  if (gap >= 0)
    return volumes[gap] === volumes[gap - 1] ? `volume ${gap} is there twice` : `volume ${gap + 1} is missing`;
  const time = isoOfStamp(first?.setTime ?? '');
  return Date.parse(time) <= now.getTime() ? undefined : 'its time is yet to come';
};

interface Broken {
  readonly stamp: string;
  readonly why: string;
}

const setOf = (stamp: string, parts: readonly Part[], known: RecordedChain | undefined): FoundSet => ({
  recorded: known?.setTimes.has(isoOfStamp(stamp)) ?? false,
  type: parts[0]?.baseTime === undefined ? 'Full' : 'Incremental',
  setTime: isoOfStamp(stamp),
  files: parts.map(({ name, size }) => ({ name, size })).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
});

/** All that is wrong. Where nothing is, the sets continue each other in the order of their times. */
const problemsOf = (groups: ReadonlyMap<string, readonly Part[]>, input: FoundInput): Broken[] => {
  const stamps = [...groups.keys()].toSorted();
  const ofSets = stamps.flatMap((stamp) => {
    const why = setProblem(groups.get(stamp) ?? [], input);
    return why === undefined ? [] : [{ stamp, why }];
  });
  const byBase = Map.groupBy(stamps, (stamp) => groups.get(stamp)?.[0]?.baseTime);
  const ofLinks = [...byBase].flatMap(([base, rivals]) => {
    const why = linkProblem(base, rivals, groups);
    return why === undefined ? [] : rivals.map((stamp) => ({ stamp, why }));
  });
  return [...ofSets, ...ofLinks];
};

/** Why sets that continue the same one, or are fulls, do not stand in one row; by their times they may. */
const linkProblem = (
  base: string | undefined,
  rivals: readonly string[],
  groups: ReadonlyMap<string, unknown>,
): string | undefined => {
  const [first = ''] = rivals;
  if (base === undefined) return rivals.length === 1 ? undefined : `there are ${rivals.length} fulls`;
  if (rivals.length > 1) return `there are ${rivals.length} sets that continue that of ${isoOfStamp(base)}`;
  if (!groups.has(base)) return `it continues a set of ${isoOfStamp(base)}, which is missing`;
  return base < first ? undefined : 'it is not younger than the set that it continues';
};

/** All of a chain, whether it is recorded or not. */
const wholeChainOf = (
  directory: string,
  input: FoundInput,
  known: RecordedChain | undefined,
): FoundChain | undefined => {
  const files = filesIn(input.listing, directory).filter(({ name }) => !isUnfinishedTransfer(name));
  const parts = files.flatMap(({ name, size }) => {
    const parsed = parseSetFile(name);
    return parsed === undefined ? [] : [{ ...parsed, name, size }];
  });
  if (parts.length === 0) return undefined;
  const groups = Map.groupBy(parts, ({ setTime }) => setTime);
  const stamps = [...groups.keys()].toSorted();
  const stray = files.find(({ name }) => parseSetFile(name) === undefined);
  const strays =
    stray === undefined
      ? []
      : [{ stamp: stamps[0] ?? '', why: `${JSON.stringify(stray.name)} is no file of a backup` }];
  const first = [...strays, ...problemsOf(groups, input)].toSorted((a, b) =>
    a.stamp < b.stamp ? -1 : a.stamp > b.stamp ? 1 : 0,
  )[0];
  return {
    directory,
    sets: stamps
      .filter((stamp) => first === undefined || stamp < first.stamp)
      .map((stamp) => setOf(stamp, groups.get(stamp) ?? [], known)),
    ...(first !== undefined && { broken: { setTime: isoOfStamp(first.stamp), why: first.why } }),
  };
};

/** A chain, when there is something in it that no ledger records. What is recorded is judged by the ledger, and not by its names. */
const chainOf = (directory: string, input: FoundInput): FoundChain | undefined => {
  const known = input.recorded.get(directory);
  if (known?.objection !== undefined) return undefined;
  const chain = wholeChainOf(directory, input, known);
  if (chain === undefined || known === undefined) return chain;
  const { sets, broken } = chain;
  const isMore = sets.some(({ recorded }) => !recorded);
  return isMore || (broken !== undefined && !known.setTimes.has(broken.setTime)) ? chain : undefined;
};

/**
 * The chains in the directory of a policy with sets that no ledger records, by the names and sizes of their files alone: also such sets at the end of
 * a recorded chain, as after a ledger was lost or put back to an older state. What is not surely whole counts as broken, with all that continues it:
 * nothing else says what there should be. Pure.
 */
export const foundChains = (input: FoundInput): FoundChain[] =>
  [...topNames(input.listing)]
    .filter(isChainName)
    .toSorted()
    .flatMap((directory) => chainOf(directory, input) ?? []);
