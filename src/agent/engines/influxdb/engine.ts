import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InfluxdbTask } from '../../../api/v1alpha1/sources/influxdb.ts';
import { timestamp } from '../../../base/times.ts';
import { RunError } from '../../../errors/run-error.ts';
import { emptyDirectory } from '../../disk.ts';
import { canonicalJson } from '../../dump/canonical-json.ts';
import type { Dumped, Engine } from '../../dump/engine.ts';
import { factsFile } from '../../layout.ts';
import type { RunContext } from '../../run.ts';
import { heldShards, serviceOf, type HeldShard } from './backup-service.ts';
import { agreed, holdingOf, influxdbFacts, type InfluxdbFacts } from './facts.ts';
import { missingShards } from './missing-shards.ts';
import { noteGaps } from './notes.ts';
import { openServer } from './open-server.ts';
import { takeOver } from './portable.ts';
import type { PackedShard } from './portable-files.ts';
import { preflight } from './preflight.ts';
import { runBackup } from './run-backup.ts';
import { settledBefore } from './settled.ts';
import { serverName } from './server.ts';
import { noReadings, type Readings } from './readings.ts';
import { alone } from './survey.ts';
import { surveyInTime, type SurveyInTime } from './survey-in-time.ts';

/** How long is waited before backing up again, since deletions were not carried out yet; they are within seconds, mostly. */
const tombstoneWaitsMs = [1000, 2000, 4000, 8000, 15_000, 30_000, 60_000];

/** Dumps a database of an InfluxDB 1.x server with `influxd backup -portable`, counted before and after. */
export const createInfluxdbEngine = (source: InfluxdbTask): Engine => ({
  dump: async (context, directory) => (await dumpDatabase(context, source, directory)).dumped,
});

export interface DumpOptions {
  /** Whether nobody else waits for the server meanwhile. */
  readonly isAlone?: boolean;
  /** What was read before of shards, of this database or another: those that hold the same are not read again. */
  readonly readings?: Readings;
}

/** Dumps the database into a directory with its facts; a restore sets the present data aside by it as well. */
export const dumpDatabase = async (
  context: RunContext,
  source: InfluxdbTask,
  directory: string,
  { isAlone = false, readings = noReadings }: DumpOptions = {},
): Promise<{ readonly dumped: Dumped; readonly readings: Readings }> => {
  const { signal, step } = context;
  const { database } = source;
  const server = await step('Prepare', () => openServer(context, source));
  const { version, held, notCovered } = await step('Connect', () => preflight(server, source, signal));
  const settled = settledBefore(context.now());
  const counting = { database, settled, atATime: isAlone ? alone : 1 };
  const service = serviceOf(source);
  const before = await step('Facts', () =>
    surveyInTime(context, server, { ...counting, recall: { service, readings, ofFiles: true } }),
  );
  const dataTime = context.now();
  const packed = await step('Dump', () => dumpWithoutTombstones(context, source, directory));
  const after = await step('Facts', async () => {
    if ('unknown' in before) return before;
    const recall = { service, readings: before.readings, ofFiles: true };
    return surveyInTime(context, server, { ...counting, recall });
  });
  await step('Check', async () => {
    const stillHeld = await heldShards({ ...service, database }, signal);
    checkShards(packed, { held, stillHeld, before, after });
  });
  const facts = await step('Facts', async () => {
    const written = influxdbFacts.parse({
      version: 3,
      engine: 'influxdb',
      dataTime: timestamp(dataTime),
      settledTime: timestamp(settled),
      server: { version },
      database,
      ...contentOf(before, after),
    });
    await writeFile(join(directory, factsFile), canonicalJson(written), { mode: 0o640 });
    return written;
  });
  noteGaps(context, facts);
  const dumped = {
    dataTime,
    factsKnown: facts.unknown === undefined,
    ...holdingOf(facts),
    notCovered,
    server: serverName(version),
  };
  return { dumped, readings: 'unknown' in after ? noReadings : after.readings };
};

/** Backs up until no deletion waits to be carried out: a restore ignores those, and the deleted points would return. */
const dumpWithoutTombstones = async (
  context: RunContext,
  { host, rpcPort, database }: InfluxdbTask,
  directory: string,
): Promise<PackedShard[]> => {
  const { signal, step, log } = context;
  const raw = join(directory, 'influxd');
  for (let attempt = 0; ; attempt += 1) {
    await mkdir(raw);
    await runBackup(context, { host, port: rpcPort, database, directory: raw });
    const packed = await step('Check', () => takeOver({ from: raw, to: directory, database }, signal));
    const waiting = packed.filter(({ tombstones }) => tombstones).map(({ id }) => id);
    if (waiting.length === 0) return packed;
    const wait = tombstoneWaitsMs[attempt];
    if (wait === undefined || wait > context.remainingSeconds() * 500) {
      throw new RunError(
        'DumpFailed',
        `Deletions in shard ${waiting.join(', ')} were not carried out by the server in time: after a restore the deleted points would be back. Look whether its compactions run.`,
      );
    }
    log.warn('deletions are not carried out yet: it is backed up again', { shards: waiting.join(', '), waitMs: wait });
    await emptyDirectory(directory);
    await sleep(wait, undefined, { signal });
  }
};

interface Checked {
  readonly held: readonly HeldShard[];
  readonly stillHeld: readonly HeldShard[];
  readonly before: SurveyInTime;
  readonly after: SurveyInTime;
}

const checkShards = (packed: readonly PackedShard[], { held, stillHeld, before, after }: Checked): void => {
  const counted = (found: SurveyInTime) => ('unknown' in found ? [] : found.listed);
  const missing = missingShards(packed, { held, stillHeld, before: counted(before), after: counted(after) });
  if (missing.length === 0) return;
  throw new RunError('DumpFailed', `influxd said it was done, but ${missing.slice(0, 5).join('; ')}.`);
};

type FactsContent = Pick<InfluxdbFacts, 'retentionPolicies' | 'fields' | 'shards' | 'unknown'>;

const contentOf = (before: SurveyInTime, after: SurveyInTime): FactsContent => {
  if ('unknown' in before) return { retentionPolicies: [], fields: [], shards: [], unknown: before.unknown };
  const retentionPolicies = [...before.retentionPolicies];
  if ('unknown' in after) return { retentionPolicies, fields: [], shards: [], unknown: after.unknown };
  const { fields, shards } = agreed(before, after);
  return { retentionPolicies, fields: [...fields], shards: [...shards] };
};
