import type { InfluxdbTask } from '../../../../api/v1alpha1/sources/influxdb.ts';
import { RunError } from '../../../../errors/run-error.ts';
import type { RestoreContext, RestoreEngine, RestoreOrder } from '../../../restore/engine.ts';
import type { Compared } from '../../../verify/engine.ts';
import { readFacts } from '../../../verify/read-facts.ts';
import { serviceOf } from '../backup-service.ts';
import { comparedWhenSettled } from '../compare-settled.ts';
import { influxdbFacts } from '../facts.ts';
import { listDatabases, loadBackup } from '../load.ts';
import { openServer } from '../open-server.ts';
import { noReadings } from '../readings.ts';
import type { InfluxServer } from '../server.ts';
import { atDestination } from './errors.ts';
import { noExtras, readExtras, subscriptionWords } from './extras.ts';
import { compareRestored, expiryWords } from './expiry.ts';
import { forgetReadings, keptReadings } from './kept-readings.ts';
import { clearMade, isMade, readJournal, removePlace, safetyPlace, setMade } from './journal.ts';
import { lookForRoom, lookInPlace, occupied } from './look.ts';
import { compareInPlace, recoverInterrupted } from './put-back.ts';
import { createInfluxdbPutBack } from './put-back-copy.ts';
import { readAhead } from './read-ahead.ts';
import { dropDatabase } from './replace.ts';
import { swapDatabase } from './swap.ts';

/** In place, a backup is loaded into a database of this name first; the form of the name is the mark by which it is known for ours. */
export const loadedName = (id: string): string => `holdfast_${id}_new`;

/** Brings a database of an InfluxDB 1.x server back out of a portable backup. */
export const createInfluxdbRestorer = (order: RestoreOrder<InfluxdbTask>): RestoreEngine => {
  const { target, into, id } = order;
  const { host, rpcPort, database } = target;
  const inPlace = into.by === 'InPlace';
  const name = into.by === 'InPlace' ? loadedName(id) : into.by === 'Name' ? into.name : database;
  const placeOf = ({ layout }: RestoreContext) => safetyPlace(layout.safety, id);

  /** Drops what load made. A database of any other name than ours is dropped only where load has noted that it made it. */
  const dropLoaded = async (context: RestoreContext, server: InfluxServer): Promise<boolean> => {
    const { signal } = context;
    if (!inPlace && !(await isMade(placeOf(context), name))) return false;
    const there = (await listDatabases(server, signal)).includes(name);
    if (there) await dropDatabase(server, name, signal);
    if (!inPlace) await clearMade(placeOf(context));
    return there;
  };

  const engine: RestoreEngine = {
    look: (context, newest) =>
      atDestination('DestinationUnsupported', async () => {
        const server = await openServer(context, target);
        return inPlace ? lookInPlace(context, server, target, newest) : lookForRoom(context, server, target, name);
      }),
    recover: (context) =>
      atDestination('ExchangeFailed', async () => {
        const server = await openServer(context, target);
        const done = inPlace ? await recoverInterrupted(context, server, target) : [];
        if (await dropLoaded(context, server)) done.push(`The database ${name}, which was loaded before, is removed`);
        return done.length === 0 ? undefined : `${done.join('. ')}.`;
      }),
    load: (context, directory) =>
      atDestination('BackupNotLoadable', async () => {
        const { signal } = context;
        const server = await openServer(context, target);
        const facts = await readFacts(influxdbFacts, directory);
        if ((await listDatabases(server, signal)).includes(name)) throw occupied(name);
        if (!inPlace) await setMade(placeOf(context), name);
        // The name in the backup: that of the database as the policy had it then.
        const newName = name === facts.database ? undefined : name;
        await loadBackup(context, server, { host, rpcPort, directory, database: facts.database, newName });
        if (inPlace) return;
        const { subscriptions } = await readExtras(server, name, signal);
        const expiry = expiryWords(facts, context.now());
        const words = [...subscriptionWords(noExtras, { subscriptions }), ...(expiry === undefined ? [] : [expiry])];
        for (const message of words) context.note({ reason: 'NotCovered', message });
      }),
    compare: (context, directory) =>
      atDestination('BackupNotLoadable', async () => {
        const server = await openServer(context, target);
        const facts = await readFacts(influxdbFacts, directory);
        const { compared, readings } = await comparedWhenSettled(context, server, {
          facts,
          database: name,
          compare: (found) => compareRestored(facts, found, { now: context.now(), inUse: false }),
          ...(inPlace && { recall: { service: serviceOf(target), readings: noReadings } }),
        });
        if (inPlace && isEqual(compared))
          await readAhead(context, server, target, { place: placeOf(context), readings });
        // From here on it is somebody's database.
        if (!inPlace && isEqual(compared)) await clearMade(placeOf(context));
        return compared;
      }),
    async swap(context, directory, tell) {
      if (!inPlace) throw new RunError('InternalError', 'Only a restore in place replaces anything.');
      const server = await openServer(context, target);
      return swapDatabase(context, { server, target, directory, loaded: name, tell });
    },
    check: (context, directory) =>
      atDestination('ExchangeFailed', async () => {
        const server = await openServer(context, target);
        const facts = await readFacts(influxdbFacts, directory);
        const readings = inPlace ? await keptReadings(placeOf(context)) : noReadings;
        const there = { ...target, database: inPlace ? database : name };
        return (await compareInPlace(context, server, there, { facts, readings })).compared;
      }),
    discardLoaded: (context) =>
      atDestination('ExchangeFailed', async () => {
        await dropLoaded(context, await openServer(context, target));
        if (inPlace) await forgetReadings(placeOf(context));
      }),
    async discardSafetyCopy(context) {
      const place = placeOf(context);
      const journal = await readJournal(place);
      if (journal?.state === 'Begun') {
        const detail = `The restore ${id} was stopped while it replaced the database "${database}", and ${place.copy} on the claim of the policy is what is to be put back.`;
        throw new RunError('RestoreInterrupted', detail);
      }
      await removePlace(place);
    },
    puttingBack: (from) => createInfluxdbPutBack(engine, order, from.id),
  };
  return engine;
};

const isEqual = ({ mismatches, notWitnessed }: Compared): boolean =>
  mismatches.length === 0 && notWitnessed.length === 0;
