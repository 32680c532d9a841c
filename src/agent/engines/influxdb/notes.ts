import type { RunContext } from '../../run.ts';
import type { InfluxdbFacts } from './facts.ts';

const shown = 3;

/** Says in the result what the facts do not prove. A shard that is written to is no gap: its settled points are counted by field. */
export const noteGaps = ({ note }: Pick<RunContext, 'note'>, { unknown, fields }: InfluxdbFacts): void => {
  if (unknown !== undefined) {
    note({ reason: 'FactsUnknown', message: `No facts were taken: ${unknown}. The dump itself is complete.` });
    return;
  }
  const gaps = fields.flatMap(({ measurement, field, content }) =>
    'unknown' in content ? [`${measurement} ${field} (${content.unknown})`] : [],
  );
  if (gaps.length === 0) return;
  const more = gaps.length > shown ? ` and ${gaps.length - shown} more` : '';
  note({
    reason: 'FactsUnknown',
    message: `Dumped, but no witness of these was taken: ${gaps.slice(0, shown).join(', ')}${more}.`,
  });
};
