import type { Ledger } from './ledger.ts';

/** Above this loss nothing is removed unless the policy says otherwise, in percent. */
export const defaultShrinkPercent = 50;

/** How much a copy holds. */
export interface Measure {
  readonly dataTime: string;
  readonly bytes: number;
  /** Rows, points, files: what the engine counts; undefined when it could not. */
  readonly rows?: number | undefined;
}

const sinceOf = (accepted: string | undefined): number =>
  accepted === undefined ? Number.NEGATIVE_INFINITY : Date.parse(accepted);

/** The measures of all that the ledger still knows: of the local copies, and of what the sets in the repository were made from. */
export const measuresOf = ({ copies, chains }: Pick<Ledger, 'copies' | 'chains'>): Measure[] => [
  ...copies.map(({ dataTime, sizeBytes, rows }) => ({ dataTime, bytes: sizeBytes, rows })),
  ...chains.flatMap(({ sets }) =>
    sets.flatMap(({ dataTime, sourceBytes, sourceRows }) =>
      sourceBytes === undefined ? [] : [{ dataTime, bytes: sourceBytes, rows: sourceRows }],
    ),
  ),
];

const largest = (measures: readonly Measure[], of: (measure: Measure) => number | undefined): Measure | undefined =>
  measures.reduce<Measure | undefined>(
    (best, measure) => ((of(measure) ?? -1) > (best === undefined ? -1 : (of(best) ?? -1)) ? measure : best),
    undefined,
  );

/**
 * What a copy has lost, in words, when it holds so much less than what is stored that the source may have been emptied. It is compared
 * with the largest of everything older that is still stored, since that is what removing chains would lose: so many small steps count
 * as one large. What was accepted as meant begins anew: nothing before it is compared with.
 */
export const shrinkOf = (
  copy: Measure,
  stored: readonly Measure[],
  { percent, accepted }: { readonly percent: number; readonly accepted: string | undefined },
): string | undefined => {
  const earlier = stored.filter(
    ({ dataTime }) => Date.parse(dataTime) >= sinceOf(accepted) && Date.parse(dataTime) < Date.parse(copy.dataTime),
  );
  const kinds = [
    { what: 'rows', of: ({ rows }: Measure) => rows },
    { what: 'bytes', of: ({ bytes }: Measure) => bytes },
  ] as const;
  for (const { what, of } of kinds) {
    const most = largest(earlier, of);
    const [before, after] = [most === undefined ? undefined : of(most), of(copy)];
    if (most === undefined || before === undefined || after === undefined) continue;
    if (after < before * (1 - percent / 100)) {
      return `${after} ${what} instead of the ${before} of ${most.dataTime}`;
    }
  }
  return undefined;
};
