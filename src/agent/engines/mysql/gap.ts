/** What a dump does not keep, or not surely of the same moment; in the order of their weight. */
export const gapWords = {
  NotDumped: 'rows that are elsewhere and not dumped',
  NoSnapshot: 'not in the snapshot, maybe of another moment',
  ImpossibleDates: 'impossible dates, 0000-00-00 once loaded',
  LostCharacters: 'characters that change on the way through UTF-8',
  LostDefinitions: 'DEFAULT, ENUM or SET with characters beyond U+FFFF (ENUM and SET: maybe), ? once loaded',
  NewDatabases: 'databases made while the dump ran',
  PastEvents: 'events whose time is over, dropped or disabled once loaded',
  RoundedFloats: 'FLOAT beyond 6 digits, rounded',
  MaybeRoundedFloats: 'FLOAT columns, rounded to 6 digits',
  Definers: 'accounts (accounts is not set) that views, routines, triggers or events run as',
  GrantsElsewhere: 'accounts with grants on tables or routines that are not in the backup',
  MissingDefiners: 'definers that are no accounts of the server',
} as const;
export type GapKind = keyof typeof gapWords;
export const gapKinds = Object.keys(gapWords) as [GapKind, ...GapKind[]];

/** One thing that a dump does not keep. */
export interface Gap {
  readonly kind: GapKind;
  /** What it concerns, in words: `agama.orders (MyISAM)`. */
  readonly what: string;
}
