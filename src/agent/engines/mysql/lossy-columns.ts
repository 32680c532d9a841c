import type { GapKind } from './gap.ts';
import { identifier } from './sql.ts';

/** A question about the values of a column that a dump changes without a word. */
export interface LossyColumn {
  readonly column: string;
  readonly kind: GapKind;
  /** SQL: 1 for a row whose value is changed. */
  readonly condition: string;
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly characterSet: string;
  readonly generated: boolean;
}

/** Character sets of which every byte comes back from UTF-8. */
const kept = new Set([
  '',
  'utf8',
  'utf8mb3',
  'utf8mb4',
  'ascii',
  'latin1',
  'binary',
  'ucs2',
  'utf16',
  'utf16le',
  'utf32',
]);

/** What to ask of a table's columns: FLOAT is written with 6 digits, dates are checked when they are loaded, text goes through UTF-8. */
export const lossyColumns = (columns: readonly Column[], castsFloat: boolean): LossyColumn[] =>
  columns
    .filter(({ generated }) => !generated)
    .flatMap(({ name, type, characterSet }): LossyColumn[] => {
      const column = identifier(name);
      if (type === 'float' && castsFloat) {
        return [
          { column: name, kind: 'RoundedFloats', condition: `${column} <> CAST(CAST(${column} AS CHAR) AS FLOAT)` },
        ];
      }
      if (type === 'date' || type === 'datetime') {
        const month = `CONCAT(YEAR(${column}), '-', MONTH(${column}), '-01')`;
        const condition = `DAYOFMONTH(${column}) > 28 AND DAYOFMONTH(${column}) > DAYOFMONTH(LAST_DAY(${month}))`;
        return [{ column: name, kind: 'ImpossibleDates', condition }];
      }
      if (kept.has(characterSet) || !/^[a-z0-9_]+$/.test(characterSet)) return [];
      const there = `CONVERT(CONVERT(${column} USING utf8mb4) USING ${characterSet})`;
      const condition = `CAST(${there} AS BINARY) <> CAST(${column} AS BINARY)`;
      return [{ column: name, kind: 'LostCharacters', condition }];
    });
