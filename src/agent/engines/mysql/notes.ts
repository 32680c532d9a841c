import type { RunContext } from '../../run.ts';
import type { MysqlFacts } from './facts.ts';

const shown = 4;

/** Says in the result what the facts do not prove, and what is not from the snapshot. */
export const noteGaps = ({ note }: Pick<RunContext, 'note'>, facts: MysqlFacts): void => {
  if (facts.unknown !== undefined) {
    note({ reason: 'FactsUnknown', message: `No facts were taken: ${facts.unknown}. The dump itself is complete.` });
    return;
  }
  const unknown = facts.databases.flatMap(({ name, tables }) =>
    tables.flatMap((table) =>
      'unknown' in table.content
        ? [{ name: `${name}.${table.name}`, why: table.content.unknown, sequence: table.kind === 'Sequence' }]
        : [],
    ),
  );
  const unsafe = unknown.filter(({ why }) => why.endsWith('has no snapshot'));
  const unread = unknown.filter(({ why, sequence }) => !sequence && !why.endsWith('has no snapshot'));
  if (unsafe.length > 0) {
    const message = `Not from the snapshot, so perhaps of another moment: ${list(unsafe)}. Convert them to InnoDB.`;
    note({ reason: 'NotCovered', message });
  }
  if (unread.length > 0) {
    note({ reason: 'FactsUnknown', message: `Dumped, but their content could not be hashed: ${list(unread)}.` });
  }
};

const list = (tables: readonly { name: string; why: string }[]): string => {
  const first = tables.slice(0, shown).map(({ name, why }) => `${name} (${why})`);
  return tables.length > shown ? `${first.join(', ')} and ${tables.length - shown} more` : first.join(', ');
};
