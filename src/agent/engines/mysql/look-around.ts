import type { MysqlTask } from '../../../api/v1alpha1/sources/mysql.ts';
import { RunError } from '../../../errors/run-error.ts';
import { collectAccounts } from './accounts.ts';
import type { Connection } from './connect.ts';
import { countersOf, type Counters } from './counters.ts';
import { databasesOf } from './databases.ts';
import { checkDumpable } from './dumpable.ts';
import type { AccountFacts } from './facts.ts';
import type { Gap } from './gap.ts';
import { definedGaps, definersOf } from './gaps.ts';
import { listObjects, type DatabaseObject } from './objects.ts';
import { preflight } from './preflight.ts';
import { readProfile, type ServerProfile } from './server.ts';

/** What is known of the server before the dump. */
export interface Seen {
  readonly profile: ServerProfile;
  readonly databases: readonly string[];
  readonly mayLock: boolean;
  readonly objects: readonly DatabaseObject[];
  readonly gaps: readonly Gap[];
  readonly definers: readonly string[];
  readonly counters: Counters;
  /** Missing when they were not asked for. */
  readonly accounts: readonly AccountFacts[] | undefined;
}

/**
 * Looks at everything that may keep a dump from being whole, before it is begun.
 * @param still the server will take no writes until the dump has ended: what has no snapshot is of the same moment all the same
 * @throws RunError SourceNotSupported, DatabaseNotFound, AccessDenied, PrivilegeMissing
 */
export const lookAround = async (
  connection: Connection,
  source: MysqlTask,
  { username, still }: { readonly username: string; readonly still: boolean },
): Promise<Seen> => {
  const profile = await readProfile(connection);
  const accounts = source.accounts === true;
  if (accounts && !profile.dumpsAccounts) {
    const detail = `Accounts of ${profile.flavour} cannot be backed up: mariadb-dump does not write them so that they load. Take source.mysql.accounts out.`;
    throw new RunError('SourceNotSupported', detail);
  }
  const databases = await databasesOf(connection, source);
  const { mayLock } = await preflight(connection, { databases, all: source.all === true, accounts }, username);
  await checkDumpable(connection, databases, profile);
  const definers = await definersOf(connection, databases);
  const defined = await definedGaps(connection, databases, profile);
  const gaps = still ? defined.filter(({ kind }) => kind !== 'NoSnapshot') : defined;
  const objects = await listObjects(connection, databases);
  const collected = accounts ? await collectAccounts(connection, objects) : undefined;
  return {
    profile,
    databases,
    mayLock,
    objects,
    definers,
    counters: await countersOf(connection, databases),
    accounts: collected?.accounts,
    gaps: [
      ...gaps,
      ...(collected === undefined
        ? definers.map((what) => ({ kind: 'Definers', what }) as const)
        : collected.elsewhere.map((what) => ({ kind: 'GrantsElsewhere', what }) as const)),
    ],
  };
};
