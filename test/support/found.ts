import { compactTime } from '../../src/agent/layout.ts';
import type { ListedFile } from '../../src/agent/ship/listing.ts';

/** Sets as the repository lists them, of days in a November. */

export const stampOf = (day: number): string => compactTime(new Date(Date.UTC(2026, 10, day, 1, 0, 0)));

export interface ListedSetOptions {
  readonly volumes?: number;
  readonly ending?: '' | '.gpg';
  /** The day of the set that it continues; undefined: it is a full. */
  readonly base?: number | undefined;
}

/** The files of one set, by their bare names. */
export const listedSet = (day: number, { base, volumes = 2, ending = '.gpg' }: ListedSetOptions = {}): ListedFile[] => {
  const span = base === undefined ? stampOf(day) : `${stampOf(base)}.to.${stampOf(day)}`;
  const [kind, signatures] = base === undefined ? ['full', 'full'] : ['inc', 'new'];
  const names = [
    `duplicity-${kind}.${span}.manifest${ending}`,
    `duplicity-${signatures}-signatures.${span}.sigtar${ending}`,
    ...Array.from({ length: volumes }, (_, index) => `duplicity-${kind}.${span}.vol${index + 1}.difftar${ending}`),
  ];
  return names.map((name, index) => ({ name, size: 100 + index }));
};

/** A chain as a listing has it: the first day is its full, each next one continues the one before. */
export const listedChain = (
  days: readonly number[],
  options: Omit<ListedSetOptions, 'base'> & { readonly directory?: string } = {},
): ListedFile[] => {
  const directory = options.directory ?? `chain-${stampOf(days[0] ?? 1)}`;
  return days
    .flatMap((day, index) => listedSet(day, { ...options, base: index === 0 ? undefined : days[index - 1] }))
    .map(({ name, size }) => ({ name: `${directory}/${name}`, size }));
};
