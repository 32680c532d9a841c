import type { InfluxdbTask } from '../../../../api/v1alpha1/sources/influxdb.ts';
import { RunError } from '../../../../errors/run-error.ts';
import type { RunContext } from '../../../run.ts';
import { readFacts } from '../../../verify/read-facts.ts';
import { serviceOf } from '../backup-service.ts';
import { comparedWhenSettled, type ComparedShards } from '../compare-settled.ts';
import { influxdbFacts, type InfluxdbFacts } from '../facts.ts';
import { listDatabases } from '../load.ts';
import type { Readings } from '../readings.ts';
import type { InfluxServer } from '../server.ts';
import { dropsOver } from './drops.ts';
import { compareRestored } from './expiry.ts';
import { recreateExtras } from './extras.ts';
import { readJournal, removePlace, safetyPlaces, writeJournal, type Journal, type SafetyPlace } from './journal.ts';
import { keptReadings } from './kept-readings.ts';
import { dropDatabase, replaceDatabase } from './replace.ts';

type Context = RunContext;

/** After so long nobody waits for what was interrupted: what is there since then is somebody's, and is set aside like any present data. */
const abandonedMs = 24 * 3_600_000;

/** What is in place is compared with. */
export interface InPlace {
  readonly facts: InfluxdbFacts;
  /** What was read of shards before. */
  readonly readings: Readings;
}

export const compareInPlace = (
  context: Pick<Context, 'signal' | 'log' | 'now'>,
  server: InfluxServer,
  target: Pick<InfluxdbTask, 'host' | 'rpcPort' | 'database'>,
  { facts, readings }: InPlace,
): Promise<ComparedShards> =>
  comparedWhenSettled(context, server, {
    facts,
    database: target.database,
    compare: (found) => compareRestored(facts, found, { now: context.now(), inUse: true }),
    recall: { service: serviceOf(target), readings },
  });

/**
 * Makes the database what it was before: out of the safety copy, or gone where there was none. It is compared before that is said.
 * @throws RunError when it is not whole
 */
export const putBack = async (
  context: Context,
  server: InfluxServer,
  target: InfluxdbTask,
  { place, journal }: { readonly place: SafetyPlace; readonly journal: Journal },
): Promise<void> => {
  const { database } = target;
  if (!journal.copy) {
    await dropDatabase(server, database, context.signal);
  } else {
    const facts = await readFacts(influxdbFacts, place.copy);
    await replaceDatabase(context, server, target, { directory: place.copy, facts });
    await madeAgain(context, server, database, journal);
    const { compared } = await compareInPlace(context, server, target, { facts, readings: await keptReadings(place) });
    const { mismatches } = compared;
    if (mismatches.length > 0) {
      const detail = `What was put back of "${database}" is not what was set aside: ${mismatches.slice(0, 3).join('; ')}. The copy is in ${place.copy} on the claim of the policy.`;
      throw new RunError('ExchangeFailed', detail);
    }
  }
  await removePlace(place);
};

const madeAgain = async (
  context: Context,
  server: InfluxServer,
  database: string,
  { extras }: Journal,
): Promise<void> => {
  const refused = await recreateExtras(context, server, database, extras);
  if (refused.length > 0) context.note({ reason: 'NotCovered', message: `Put back, but ${refused.join('; ')}.` });
};

/** Puts back what restores that were killed have left; what was done, in words. */
export const recoverInterrupted = async (
  context: Context,
  server: InfluxServer,
  target: InfluxdbTask,
): Promise<string[]> => {
  const done: string[] = [];
  for (const place of await safetyPlaces(context.layout.safety)) {
    const journal = await readJournal(place);
    if (journal?.state !== 'Begun' || journal.database !== target.database) continue;
    done.push(await recoverOne(context, server, target, { place, journal }));
  }
  return done;
};

const recoverOne = async (
  context: Context,
  server: InfluxServer,
  target: InfluxdbTask,
  interrupted: { readonly place: SafetyPlace; readonly journal: Journal },
): Promise<string> => {
  const { place, journal } = interrupted;
  const { database } = target;
  const what = `The restore ${place.id} was stopped on ${journal.begunTime} while it replaced the database "${database}"`;
  await dropsOver(context, server, database);
  const present = (await listDatabases(server, context.signal)).includes(database);
  if (await isWhole(context, server, target, { place, journal, present })) {
    if (journal.copy) await madeAgain(context, server, database, journal);
    await removePlace(place);
    return `${what}: what was there is there, whole`;
  }
  if (present && context.now().getTime() - Date.parse(journal.begunTime) > abandonedMs) {
    await writeJournal(place, { ...journal, state: 'Done' });
    return `${what}; what is there now is left as it is, since that is more than a day ago`;
  }
  await putBack(context, server, target, interrupted);
  return `${what}: what was there is put back`;
};

/** Whether the database is what it was before the exchange began. */
const isWhole = async (
  context: Context,
  server: InfluxServer,
  target: InfluxdbTask,
  { place, journal, present }: { readonly place: SafetyPlace; readonly journal: Journal; readonly present: boolean },
): Promise<boolean> => {
  if (!journal.copy || !present) return !journal.copy && !present;
  const facts = await readFacts(influxdbFacts, place.copy);
  const readings = await keptReadings(place);
  const { compared } = await compareInPlace(
    context,
    server,
    { ...target, database: journal.database },
    { facts, readings },
  );
  const { mismatches, notWitnessed } = compared;
  // Facts that do not say it all prove nothing here: the copy does.
  return mismatches.length === 0 && notWitnessed.length === 0;
};
