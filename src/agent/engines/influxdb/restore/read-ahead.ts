import type { InfluxdbTask } from '../../../../api/v1alpha1/sources/influxdb.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import { serviceOf } from '../backup-service.ts';
import { listDatabases } from '../load.ts';
import { noReadings, type Readings } from '../readings.ts';
import type { InfluxServer } from '../server.ts';
import { settledBefore } from '../settled.ts';
import { alone } from '../survey.ts';
import { surveyInTime } from '../survey-in-time.ts';
import { keepReadings } from './kept-readings.ts';
import type { SafetyPlace } from './journal.ts';

/**
 * Reads what is in place while the application still runs, and keeps that beside what was read of the backup: when it is set aside, while
 * everybody waits, only shards are read that were written to since. What cannot be read now is read then.
 */
export const readAhead = async (
  context: RestoreContext,
  server: InfluxServer,
  target: InfluxdbTask,
  { place, readings }: { readonly place: SafetyPlace; readonly readings: Readings },
): Promise<void> => {
  const { signal, log, now } = context;
  const { database } = target;
  const isThere = (await listDatabases(server, signal)).includes(database);
  const present = isThere
    ? await surveyInTime(context, server, {
        database,
        settled: settledBefore(now()),
        atATime: alone,
        recall: { service: serviceOf(target), readings, ofFiles: true },
      })
    : { readings: noReadings };
  if ('unknown' in present) log.info('what is in place could not be read ahead', { why: present.unknown });
  await keepReadings(place, new Map([...readings, ...('unknown' in present ? noReadings : present.readings)]));
};
