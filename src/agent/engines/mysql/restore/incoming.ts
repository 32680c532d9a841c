import type { RestoreContext } from '../../../restore/engine.ts';
import type { Connection, NetworkAccount } from '../connect.ts';
import type { DatabaseFacts } from '../facts.ts';
import { optionsOf, type Backup } from './backup.ts';
import { definitionsDiffer } from './compare.ts';
import { clientSession } from './fence.ts';
import { loadPrograms } from './load-databases.ts';
import { asideName } from './names.ts';
import { pastEvents, withoutEvents } from './past-events.ts';

/** A database that takes the place of the present one. */
export interface IncomingDatabase {
  readonly name: string;
  /** What CREATE DATABASE is to say after its name. */
  readonly options: string;
  /** The database that its tables are in, and are moved from. */
  readonly aside: string;
  /** The views that it is to have. */
  readonly newViews: readonly string[];
  /** It is not to be there afterwards. */
  readonly goes: boolean;
}

/** What takes the place of the present data: a backup that was loaded aside, or what an earlier restore has set aside. */
export interface Incoming {
  readonly databases: readonly IncomingDatabase[];
  /** Makes views, routines, triggers and events, once the tables are in their place. */
  loadPrograms(context: RestoreContext, connection: Connection): Promise<void>;
  /** What is in place now and is not what was to come, by definition: an object each, in words. */
  differences(
    context: RestoreContext,
    connection: Connection,
    found: readonly DatabaseFacts[],
  ): Promise<readonly string[]>;
  /** Gives rights on routines that the present data does not have. */
  giveGrants(context: RestoreContext, connection: Connection): Promise<void>;
}

/** A backup that was loaded aside. */
export const incomingBackup = (
  backup: Backup,
  { id, account, optionFile }: { readonly id: string; readonly account: NetworkAccount; readonly optionFile: string },
): Incoming => ({
  databases: backup.databases.map((name) => ({
    name,
    options: optionsOf(backup, name),
    aside: asideName(id, name),
    newViews: (backup.facts.databases.find((each) => each.name === name)?.views ?? []).map((view) => view.name),
    goes: false,
  })),
  loadPrograms(context) {
    const names = new Map(backup.databases.map((name) => [name, name]));
    return loadPrograms(context, { account, optionFile, backup, names }, [clientSession]);
  },
  async differences(context, connection, found) {
    const over = await pastEvents(connection, backup.dump, context.now());
    return withoutEvents(definitionsDiffer(backup.facts, found), over);
  },
  giveGrants: () => Promise.resolve(),
});
