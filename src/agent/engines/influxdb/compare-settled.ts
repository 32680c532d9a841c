import { setTimeout as sleep } from 'node:timers/promises';
import type { RunContext } from '../../run.ts';
import type { Compared } from '../../verify/engine.ts';
import type { InfluxdbFacts, Survey } from './facts.ts';
import { listDatabases, notYetOpen } from './load.ts';
import { StatementError, type InfluxServer } from './server.ts';
import type { BackupService } from './backup-service.ts';
import { noReadings, type Readings } from './readings.ts';
import { alone, survey, type Surveyed } from './survey.ts';

/** How long the server is left alone before a difference is looked at again. */
const settleMs = 2000;

/** A database that is written to meanwhile differs otherwise each time: after so many looks the last one counts. */
const maxLooks = 20;

export interface ComparedDatabase {
  readonly facts: InfluxdbFacts;
  /** Its name on this server. */
  readonly database: string;
  readonly compare: (found: Survey) => Compared;
  /** What was read before, maybe of other databases: where a shard holds the same it is not read again. Without it all is read. */
  readonly recall?: { readonly service: BackupService; readonly readings: Readings } | undefined;
}

/** What was compared, and what is known of the shards that were. */
export interface ComparedShards {
  readonly compared: Compared;
  readonly readings: Readings;
}

/**
 * Counts until the server has taken everything in: `influxd restore` ends before. Equal is equal; a difference counts when a second look, after
 * a pause, finds the very same.
 */
export const comparedWhenSettled = async (
  { signal, log }: Pick<RunContext, 'signal' | 'log'>,
  server: InfluxServer,
  database: ComparedDatabase,
): Promise<ComparedShards> => {
  let before: Compared | undefined;
  for (let looks = 1; ; looks += 1) {
    const found = await compareNow(server, database, signal);
    const now = found?.compared;
    if (found?.compared.mismatches.length === 0) return found;
    if (found !== undefined && before !== undefined && JSON.stringify(before) === JSON.stringify(now)) return found;
    if (found !== undefined && looks >= maxLooks) return found;
    log.info('the server does not hold what was loaded, or not yet: it is looked at again', {
      mismatches: now?.mismatches.length,
    });
    before = now;
    await sleep(settleMs, undefined, { signal });
  }
};

/** Somebody drops it meanwhile, or a restore did that was killed. */
const justDropped = /^database not found/;

/** What it holds now; undefined while it takes something in, or lets it go. */
const compareNow = async (
  server: InfluxServer,
  { facts, database, compare, recall }: ComparedDatabase,
  signal: AbortSignal,
): Promise<ComparedShards | undefined> => {
  if (!(await listDatabases(server, signal)).includes(database)) {
    const missing = [`database ${database}: missing`];
    return { compared: { objects: 0, rows: 0, mismatches: missing, notWitnessed: [] }, readings: noReadings };
  }
  try {
    const found: Surveyed = await survey(server, {
      database,
      settled: new Date(facts.settledTime),
      atATime: alone,
      version: facts.version,
      recall: recall && { ...recall, ofFiles: false },
      signal,
    });
    const busy = [...found.fields, ...found.shards].some(
      ({ content }) => 'unknown' in content && notYetOpen.test(content.unknown),
    );
    return busy ? undefined : { compared: compare(found), readings: found.readings };
  } catch (error) {
    if (!(error instanceof StatementError)) throw error;
    if (notYetOpen.test(error.message) || justDropped.test(error.message)) return undefined;
    throw error;
  }
};
