import { join } from 'node:path';
import { z } from 'zod';
import { readRecord, replaceFile, sha256OfFile } from '../../../disk.ts';
import { factsFile } from '../../../layout.ts';
import type { RunContext } from '../../../run.ts';
import type { Compared } from '../../../verify/engine.ts';
import { markOf } from '../mark.ts';
import type { InfluxServer } from '../server.ts';
import type { SafetyPlace } from './journal.ts';

/**
 * What the exchange compared when all was in its place: every value, with the facts. As long as the database has the mark that it had before
 * that was read, it need not be read once more while everybody waits.
 */
const record = z.object({
  factsDigest: z.string().describe('SHA-256 of the facts that it was compared with.'),
  mark: z.string().describe('Of the database, before it was read.'),
  objects: z.int().min(0),
  rows: z.int().min(0),
  notWitnessed: z.array(z.string()),
});

const pathIn = ({ directory }: SafetyPlace): string => join(directory, 'compared.json');

/** Keeps what was compared, if its mark is known and all was equal. */
export const keepCompared = async (
  place: SafetyPlace,
  backup: string,
  { compared, mark }: { readonly compared: Compared; readonly mark: string | undefined },
): Promise<void> => {
  const { objects, rows, mismatches, notWitnessed } = compared;
  if (mark === undefined || mismatches.length > 0) return;
  const factsDigest = await sha256OfFile(join(backup, factsFile));
  const kept: z.input<typeof record> = { factsDigest, mark, objects, rows, notWitnessed: [...notWitnessed] };
  await replaceFile(pathIn(place), `${JSON.stringify(kept)}\n`);
};

/** What is known of a database since the exchange; undefined when it has to be read: it changed since, or might have, or nothing is known. */
export const comparedBefore = async (
  { signal, log }: Pick<RunContext, 'signal' | 'log'>,
  server: InfluxServer,
  database: string,
  { place, directory }: { readonly place: SafetyPlace; readonly directory: string },
): Promise<Compared | undefined> => {
  const kept = await readRecord(pathIn(place), record);
  if (kept === undefined || kept.factsDigest !== (await sha256OfFile(join(directory, factsFile), signal))) {
    return undefined;
  }
  if (kept.mark !== (await markOf(server, database, signal))) return undefined;
  log.info('nothing has changed since all of it was compared', { rows: kept.rows });
  const { objects, rows, notWitnessed } = kept;
  return { objects, rows, mismatches: [], notWitnessed };
};
