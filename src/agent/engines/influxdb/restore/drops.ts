import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { RunContext } from '../../../run.ts';
import { rowsOf, type InfluxServer } from '../server.ts';
import { identifier } from '../statements.ts';

const pauseMs = 200;

const running = z.object({ query: z.string() });

/**
 * Waits until no DROP DATABASE of a database runs any more. One whose sender was killed goes on in the server, shown as killed, and what is whole
 * until then is gone in the next moment. The server writes a name without quotes where it needs none.
 */
export const dropsOver = async (
  { signal, log }: Pick<RunContext, 'signal' | 'log'>,
  server: InfluxServer,
  database: string,
): Promise<void> => {
  const drops = [database, identifier(database)].map((name) => `DROP DATABASE ${name}`);
  for (;;) {
    const rows = z.array(running).parse(rowsOf(await server.show('SHOW QUERIES', signal)));
    if (!rows.some(({ query }) => drops.includes(query))) return;
    log.info('the server is still dropping the database', { database });
    await sleep(pauseMs, undefined, { signal });
  }
};
