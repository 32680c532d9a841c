import { serverError, serverMessage, type Connection } from '../connect.ts';
import { identifier } from '../sql.ts';
import { comingOf, pastEventsOf, type SetAside } from './copy.ts';
import { definitionsDiffer } from './compare.ts';
import type { Incoming } from './incoming.ts';
import { withoutEvents } from './past-events.ts';
import { existing, presentIn } from './present.ts';
import { loadPrograms } from './programs.ts';
import { giveGrants } from './routine-grants.ts';

/** What an earlier restore has set aside, as what takes the place of the present data. */
export const incomingCopy = async (connection: Connection, copy: SetAside, optionFile: string): Promise<Incoming> => {
  const { journal, kept, programs, viewDump } = copy;
  const coming = comingOf(kept);
  const lost = await grantsLost(connection, copy);
  return {
    databases: journal.databases.map(({ name, old, options, existed }) => ({
      name,
      options,
      aside: old,
      newViews: (coming.find((each) => each.name === name)?.views ?? []).map((view) => view.name),
      goes: !existed,
    })),
    async loadPrograms(context) {
      // Views may call functions; what a trigger or an event does is looked at when it does it.
      await loadPrograms(context, optionFile, programs);
      await loadPrograms(context, optionFile, viewDump);
    },
    async differences(context, at, found) {
      const over = await pastEventsOf(context, at, copy);
      return withoutEvents(definitionsDiffer({ databases: coming }, found), over);
    },
    async giveGrants({ note }, at) {
      const refused = await giveEach(at, lost);
      const [first] = refused;
      if (first !== undefined)
        note({
          reason: 'NotCovered',
          message: `${refused.length} rights on routines could not be given again: ${first}.`,
        });
    },
  };
};

/** Rights on routines that went with the first exchange: what is there now has no such routine, or rights of its own, which stay. */
const grantsLost = async (connection: Connection, { journal }: SetAside): Promise<string[]> => {
  const there: string[] = [];
  for (const name of await existing(
    connection,
    journal.databases.map((each) => each.name),
  )) {
    const { routines } = await presentIn(connection, name);
    there.push(...routines.map((each) => ` ON ${each.type} ${identifier(name)}.${identifier(each.name)} TO `));
  }
  return journal.grants.filter((grant) => !there.some((part) => grant.includes(part)));
};

/** Gives why some could not be given: accounts may have gone since. */
const giveEach = async (connection: Connection, grants: readonly string[]): Promise<string[]> => {
  const refused: string[] = [];
  for (const grant of grants) {
    try {
      const gone = await giveGrants(connection, [grant]);
      refused.push(...gone.map(() => 'the routine is not there'));
    } catch (error) {
      if (serverError(error) === undefined) throw error;
      refused.push(serverMessage(error));
    }
  }
  return refused;
};
