import { z } from 'zod';
import { RunError } from '../../../../errors/run-error.ts';
import type { Connection } from '../connect.ts';
import { mysqlFacts, type DatabaseFacts } from '../facts.ts';
import { exchangeName } from './names.ts';
import { readText } from './journal.ts';

/** What is known of a safety copy beside what it holds: the definitions of all of it, taken at the moment before it was set aside. No row was read then. */
const keptSchema = z.object({
  databases: mysqlFacts.shape.databases,
  broken: z
    .array(z.object({ database: z.string(), views: z.array(z.string()) }))
    .describe('Views that did not work then: what they led to was gone. They cannot be made again.'),
});
export type KeptFacts = z.output<typeof keptSchema>;

/** As it is kept beside the journal. */
export const keptFacts = ({
  databases,
  broken,
}: {
  readonly databases: readonly DatabaseFacts[];
  readonly broken: ReadonlyMap<string, readonly string[]>;
}): Buffer => {
  const lists = [...broken].filter(([, views]) => views.length > 0).map(([database, views]) => ({ database, views }));
  return Buffer.from(JSON.stringify({ databases, broken: lists }));
};

/** @throws RunError SafetyCopyUnavailable */
export const readKeptFacts = async (connection: Connection, id: string): Promise<KeptFacts> => {
  const bytes = await readText(connection, id, 'done', 'facts');
  try {
    return keptSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    const detail = `The record of what was set aside (${exchangeName(id)}) cannot be read.`;
    throw new RunError('SafetyCopyUnavailable', detail, { cause: error });
  }
};
