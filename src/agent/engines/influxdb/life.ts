import { z } from 'zod';
import { rowsOf, type InfluxServer } from './server.ts';

const lifeRow = z.object({ PID: z.number(), started: z.string() });

/** Tells one life of a server from the next; undefined when it does not say since when it runs. */
export const lifeOf = async (server: InfluxServer, signal: AbortSignal): Promise<string | undefined> => {
  const parts = await server.show('SHOW DIAGNOSTICS', signal);
  const [row] = z.array(lifeRow).parse(rowsOf(parts.filter(({ name }) => name === 'system')));
  return row && `${row.PID} ${row.started}`;
};
