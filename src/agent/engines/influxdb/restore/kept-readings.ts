import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256 } from '../../../../api/v1alpha1/primitives.ts';
import { readRecord, replaceFile } from '../../../disk.ts';
import { noReadings, type Readings } from '../readings.ts';
import { readJournal, removePlace, type SafetyPlace } from './journal.ts';

/** What was read of shards, for the next container of the same restore: it need not read them again where they hold the same. */

const counted = z.object({ points: z.int().min(0), series: z.int().min(0), checksum: sha256 });

const record = z.object({
  version: z.literal(1),
  shards: z.array(
    z.object({
      key: z.string(),
      giver: z.string().optional(),
      fields: z.array(z.object({ name: z.string(), all: counted, settled: counted.optional() })),
    }),
  ),
});

const pathIn = ({ directory }: SafetyPlace): string => join(directory, 'readings.json');

export const keepReadings = async (place: SafetyPlace, readings: Readings): Promise<void> => {
  const shards = [...readings].map(([key, { fields, giver }]) => ({
    key,
    giver,
    fields: [...fields].map(([name, field]) => ({ name, ...field })),
  }));
  await mkdir(place.directory, { recursive: true });
  const kept: z.input<typeof record> = { version: 1, shards };
  await replaceFile(pathIn(place), `${JSON.stringify(kept)}\n`);
};

/** None where they cannot be read: then all is read again. */
export const keptReadings = async (place: SafetyPlace): Promise<Readings> => {
  const kept = await readRecord(pathIn(place), record);
  if (kept === undefined) return noReadings;
  return new Map(
    kept.shards.map(({ key, giver, fields }) => [
      key,
      { giver, fields: new Map(fields.map(({ name, ...field }) => [name, field])) },
    ]),
  );
};

/** Removes them, unless something is set aside there, with which they go. */
export const forgetReadings = async (place: SafetyPlace): Promise<void> => {
  if ((await readJournal(place)) === undefined) await removePlace(place);
};
