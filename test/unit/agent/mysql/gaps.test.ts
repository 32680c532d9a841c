import * as fc from 'fast-check';
import { gapKinds, type Gap } from '../../../../src/agent/engines/mysql/gap.ts';
import { describeGaps } from '../../../../src/agent/engines/mysql/gaps.ts';

const many = (kind: Gap['kind'], count: number): Gap[] =>
  Array.from({ length: count }, (_, index) => ({ kind, what: `agama.table_${index} (MyISAM)` }));

test('one line a kind, the weightiest first, each once', () => {
  const gaps: Gap[] = [
    { kind: 'RoundedFloats', what: 'a.t.f' },
    { kind: 'NoSnapshot', what: 'a.old (MyISAM)' },
    { kind: 'NotDumped', what: 'a.far (FEDERATED)' },
    { kind: 'NoSnapshot', what: 'a.old (MyISAM)' },
  ];
  expect(describeGaps(gaps).map(({ line }) => line)).toEqual([
    'rows that are elsewhere and not dumped: a.far (FEDERATED)',
    'not in the snapshot, maybe of another moment: a.old (MyISAM)',
    'FLOAT beyond 6 digits, rounded: a.t.f',
  ]);
});

test('what is too much for a line is counted', () => {
  const [{ line, full } = { line: '', full: '' }] = describeGaps(many('NoSnapshot', 300));
  expect(line).toMatch(/^not in the snapshot.*agama\.table_0 \(MyISAM\), .* and \d+ more$/);
  const named = line.match(/MyISAM/g)?.length ?? 0;
  expect(line).toContain(` and ${300 - named} more`);
  expect(full.match(/MyISAM/g)).toHaveLength(100);
  expect(full).toContain(' and 200 more');
});

test('every gap is named or counted, and no line is longer than status takes', () => {
  const what = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 });
  const gap = fc.record({ kind: fc.constantFrom(...gapKinds), what });
  fc.assert(
    fc.property(fc.array(gap, { maxLength: 40 }), (gaps) => {
      const lines = describeGaps(gaps);
      expect(lines).toHaveLength(new Set(gaps.map(({ kind }) => kind)).size);
      for (const { line } of lines) expect(line.length).toBeLessThanOrEqual(160);
    }),
  );
});
