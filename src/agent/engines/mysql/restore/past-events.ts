import type { RestoreContext } from '../../../restore/engine.ts';
import type { Compared } from '../../../verify/engine.ts';
import { serverError, type Connection } from '../connect.ts';
import { unquoted } from '../sql.ts';
import { readRange, type Dump } from './compose.ts';
import { createSplitter } from './split-statements.ts';

const event = /\bEVENT (`(?:[^`]|``)*`) ON SCHEDULE (?:AT '([^']+)'|EVERY .*?\bENDS '([^']+)')/s;

/** Whatever the time zone of the event. */
const dayMs = 24 * 3600 * 1000;

/**
 * The events of a backup whose time is over by now, as `event agama.nightly`: a server whose scheduler runs drops or disables them as soon as they are made. None
 * on a server whose scheduler is off.
 */
export const pastEvents = async (connection: Connection, { file, index }: Dump, now: Date): Promise<string[]> => {
  if (!(await schedules(connection))) return [];
  const found: string[] = [];
  for (const section of index.sections) {
    if (section.kind !== 'events') continue;
    const splitter = createSplitter();
    const pieces = [...splitter.push(await readRange(file, section)), ...splitter.end()];
    for (const { head } of pieces) {
      const [, name, at, ends] = event.exec(head) ?? [];
      const over = Date.parse(`${(at ?? ends ?? '').replace(' ', 'T')}Z`);
      if (name !== undefined && over < now.getTime() + dayMs) found.push(`event ${section.database}.${unquoted(name)}`);
    }
  }
  return found;
};

const schedules = async (connection: Connection): Promise<boolean> => {
  try {
    const [row]: { scheduler: string }[] = await connection.query('SELECT @@GLOBAL.event_scheduler AS scheduler');
    return row?.scheduler === 'ON' || row?.scheduler === '1';
  } catch (error) {
    if (serverError(error) === undefined) throw error;
    return false;
  }
};

/** Leaves out what differs in events that are over. Pure. */
export const withoutEvents = (mismatches: readonly string[], over: readonly string[]): string[] =>
  mismatches.filter((mismatch) => !over.some((each) => mismatch.startsWith(`${each}: `)));

/** Without what differs in events that the server drops by itself since their time is over; that is said. */
export const withoutOver = (
  { note }: Pick<RestoreContext, 'note'>,
  compared: Compared,
  over: readonly string[],
): Compared => {
  const mismatches = withoutEvents(compared.mismatches, over);
  if (mismatches.length < compared.mismatches.length) {
    note({ reason: 'NotCovered', message: 'Events whose time is over were dropped or disabled by the server.' });
  }
  return { ...compared, mismatches };
};
