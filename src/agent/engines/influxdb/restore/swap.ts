import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { InfluxdbTask } from '../../../../api/v1alpha1/sources/influxdb.ts';
import type { DestinationState, SafetyCopy } from '../../../../api/v1alpha1/restore-report.ts';
import { timestamp } from '../../../../base/times.ts';
import { RunError } from '../../../../errors/run-error.ts';
import { flushAll } from '../../../dump/copy-files.ts';
import { flush, sha256OfFile } from '../../../disk.ts';
import { factsFile } from '../../../layout.ts';
import { runErrorOf } from '../../../failure-of.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import type { RunContext } from '../../../run.ts';
import { readFacts } from '../../../verify/read-facts.ts';
import { checkBackup } from '../check-backup.ts';
import { dumpDatabase } from '../engine.ts';
import { influxdbFacts } from '../facts.ts';
import { listDatabases } from '../load.ts';
import { noReadings, type Readings } from '../readings.ts';
import type { InfluxServer } from '../server.ts';
import { atDestination, detailOf } from './errors.ts';
import { expiryWords } from './expiry.ts';
import { noExtras, readExtras, recreateExtras, subscriptionWords, type DatabaseExtras } from './extras.ts';
import {
  readJournal,
  removePlace,
  safetyPlace,
  safetyPlaces,
  writeJournal,
  type Journal,
  type SafetyPlace,
} from './journal.ts';
import { keepReadings, keptReadings } from './kept-readings.ts';
import { compareInPlace, putBack } from './put-back.ts';
import { dropDatabase, replaceDatabase } from './replace.ts';

export interface SwapOptions {
  readonly server: InfluxServer;
  readonly target: InfluxdbTask;
  /** Where the backup lies that was loaded and compared. */
  readonly directory: string;
  /** The database that it was loaded into: it gives its room back before the exchange. */
  readonly loaded: string;
  readonly tell: (state: DestinationState) => void;
}

/**
 * InfluxDB cannot rename a database. So what is there is backed up onto the claim of the policy, and only when that is whole and flushed the
 * database is dropped and the backup restored under its name. A journal says meanwhile what is to be put back.
 */
export const swapDatabase = async (context: RestoreContext, options: SwapOptions): Promise<SafetyCopy> => {
  const { server, target, directory, loaded, tell } = options;
  const { signal, task, layout } = context;
  const { database } = target;
  const place = safetyPlace(layout.safety, task.id);
  const facts = await readFacts(influxdbFacts, directory);
  const readings = await keptReadings(place);
  await makeRoom(context, place);
  const { journal, readings: aside } = await setAside(context, server, target, { place, readings });
  await atDestination('ExchangeFailed', () => dropDatabase(server, loaded, signal));
  // For who may have to put it back.
  await keepReadings(place, aside);
  // It throws when nothing may be begun any more: then no journal is left by which what is written from now on would be undone.
  tell('Unavailable');
  await writeJournal(place, journal);
  try {
    await replaceDatabase(context, server, target, { directory, facts });
    // influxd restore says little, and what it left out can be undone now.
    const { compared, readings: inPlace } = await compareInPlace(context, server, target, { facts, readings });
    const { mismatches } = compared;
    if (mismatches.length > 0) {
      const detail = `what was restored is not what was backed up: ${mismatches.slice(0, 3).join('; ')}.`;
      throw new RunError('ContentDiffers', detail);
    }
    await bringExtras(context, server, database, journal.extras);
    await keepReadings(place, inPlace);
    await writeJournal(place, { ...journal, state: 'Done' });
  } catch (error) {
    signal.throwIfAborted();
    throw await undone(context, options, { place, journal, error });
  }
  tell('Replaced');
  const expiry = expiryWords(facts, context.now());
  if (expiry !== undefined) context.note({ reason: 'NotCovered', message: expiry });
  return safetyCopyOf(place, journal);
};

/** Removes what restores have left that were killed before they touched anything: the dump lock is held, so nobody else is at it. */
const makeRoom = async ({ layout }: RestoreContext, own: SafetyPlace): Promise<void> => {
  for (const place of await safetyPlaces(layout.safety)) {
    const journal = await readJournal(place);
    if (journal === undefined) await removePlace(place);
    else if (place.id === own.id) {
      const detail = `What was there before is in ${own.copy} on the claim of the policy already, set aside by this very restore.`;
      throw new RunError('ExchangeFailed', detail);
    }
  }
};

/** Backs up what is there. Nothing of it is changed. */
const setAside = async (
  context: RunContext,
  server: InfluxServer,
  target: InfluxdbTask,
  { place, readings }: { readonly place: SafetyPlace; readonly readings: Readings },
): Promise<{ readonly journal: Journal; readonly readings: Readings }> => {
  const { signal, now } = context;
  const { database } = target;
  const begun = { version: 1, database, state: 'Begun', begunTime: timestamp(now()) } as const;
  try {
    const databases = await listDatabases(server, signal);
    if (!databases.includes(database))
      return { journal: { ...begun, copy: false, extras: noExtras }, readings: noReadings };
    await mkdir(place.copy, { recursive: true });
    // What the facts of a safety copy leave open says nothing of the restore.
    const quiet = { ...context, note: () => undefined };
    const { readings: read } = await dumpDatabase(quiet, target, place.copy, { isAlone: true, readings });
    await checkBackup(place.copy, database, signal);
    await flushAll(place.copy);
    await flush(place.directory);
    const factsDigest = await sha256OfFile(join(place.copy, factsFile), signal);
    const journal = { ...begun, copy: true, factsDigest, extras: await readExtras(server, database, signal) };
    return { journal, readings: read };
  } catch (error) {
    await removePlace(place);
    signal.throwIfAborted();
    if (runErrorOf(error).reason === 'OutOfScratchSpace') throw error;
    const detail = `What is in the database "${database}" could not be set aside, so it was not touched: ${detailOf(error)}. When it is damaged and may go, drop it by hand and ask again: then there is nothing to be set aside.`;
    throw new RunError('ExchangeFailed', detail, { cause: error });
  }
};

const bringExtras = async (
  context: RunContext,
  server: InfluxServer,
  database: string,
  before: DatabaseExtras,
): Promise<void> => {
  const refused = await recreateExtras(context, server, database, before);
  const after = await readExtras(server, database, context.signal);
  const words = [...refused, ...subscriptionWords(before, after)];
  if (words.length > 0) context.note({ reason: 'NotCovered', message: `Replaced, but ${words.join('; ')}.` });
};

/** Puts back what was there; gives the failure to report. */
const undone = async (
  context: RestoreContext,
  { server, target, tell }: SwapOptions,
  { place, journal, error }: { readonly place: SafetyPlace; readonly journal: Journal; readonly error: unknown },
): Promise<RunError> => {
  const words = `The database "${target.database}" could not be replaced: ${detailOf(error)}`;
  context.log.error('the exchange failed: what was there is put back', { error });
  try {
    await context.step('PutBack', () => putBack(context, server, target, { place, journal }));
  } catch (failed) {
    context.signal.throwIfAborted();
    const where = journal.copy ? ` It is whole in ${place.copy} on the claim of the policy.` : '';
    const detail = `${words}. What was there could not be put back either: ${detailOf(failed)}.${where}`;
    return new RunError('ExchangeFailed', detail, { cause: failed });
  }
  tell('PutBack');
  return new RunError('ExchangeFailed', `${words}. What was there before is there again.`, { cause: error });
};

const safetyCopyOf = ({ id, copy }: SafetyPlace, { copy: made, database }: Journal): SafetyCopy => {
  if (!made) return { kind: 'None', names: [], count: 0 };
  return {
    kind: 'Directory',
    names: [`safety/${id}/copy`],
    count: 1,
    howToUse: `A portable backup on the claim of the policy (${copy} in its pods): influxd restore -portable -host HOST:PORT -database ${database} -newdb NAME DIRECTORY. Continuous queries and grants were made again; users were not touched.`,
  };
};
