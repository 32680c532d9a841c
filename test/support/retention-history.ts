import * as fc from 'fast-check';

/** What happens on a day of a policy's life. */
export type DayEvent =
  | { readonly kind: 'backup' }
  /** The run of the day fails: nothing is stored. */
  | { readonly kind: 'failure' }
  /** Nothing runs for some days, prunes neither. */
  | { readonly kind: 'downtime'; readonly days: number }
  /** A file of what is stored is lost on the backup host; `pick` chooses which. */
  | { readonly kind: 'loss'; readonly pick: number }
  /** The clock of the pods is set, and stays so. */
  | { readonly kind: 'clock'; readonly hours: number };

export interface History {
  readonly policy: { readonly keepFor?: string; readonly keepFullChains?: number };
  readonly days: readonly DayEvent[];
}

const events: fc.Arbitrary<DayEvent> = fc.oneof(
  { weight: 60, arbitrary: fc.constant<DayEvent>({ kind: 'backup' }) },
  { weight: 6, arbitrary: fc.constant<DayEvent>({ kind: 'failure' }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 40 }).map((days): DayEvent => ({ kind: 'downtime', days })) },
  { weight: 2, arbitrary: fc.nat(10_000).map((pick): DayEvent => ({ kind: 'loss', pick })) },
  { weight: 1, arbitrary: fc.integer({ min: -30, max: 30 }).map((hours): DayEvent => ({ kind: 'clock', hours })) },
);

/** So many days with a full every week and incrementals between, and what befalls them. */
export const histories = (days: number): fc.Arbitrary<History> =>
  fc.record({
    policy: fc.constantFrom(
      { keepFor: '4w' },
      { keepFor: '1mo' },
      { keepFor: '2w' },
      { keepFor: '4w', keepFullChains: 3 },
      { keepFullChains: 4 },
    ),
    days: fc.array(events, { minLength: days, maxLength: days, size: 'max' }),
  });
