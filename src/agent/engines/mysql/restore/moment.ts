import { z } from 'zod';
import { nodeTime } from '../../../node-clock.ts';
import type { Connection } from '../connect.ts';

/** A server's time, and that of this node just before it was asked for and just after. */
export const moment = z.object({
  server: z.string().describe('Which server that was.'),
  serverMs: z.number().describe('Since 1970, by its own clock.'),
  boot: z.string().describe('Which start of the node.'),
  beforeMs: z.number().describe('Since that start.'),
  afterMs: z.number(),
});
export type Moment = z.output<typeof moment>;

/** What tells one server from another, as SQL. A server that starts anew is told by its tables, which have no time of their last change then. */
export const serverSql = "CONCAT_WS(' ', @@hostname, @@port, @@server_id, @@datadir)";

/** A time that a session in UTC has written. Pure. */
export const msOf = (text: string): number => Date.parse(`${text.replace(' ', 'T')}Z`);

/** Now, on both clocks. */
export const momentOf = async (connection: Connection): Promise<Moment> => {
  const { boot, ms: beforeMs } = await nodeTime();
  const [row]: { server: string; now: string }[] = await connection.query(
    `SELECT ${serverSql} AS server, CAST(UTC_TIMESTAMP(6) AS CHAR) AS now`,
  );
  const { ms: afterMs } = await nodeTime();
  return moment.parse({ server: row?.server, serverMs: msOf(row?.now ?? ''), boot, beforeMs, afterMs });
};

/** Both clocks go on alike, but for what they are read with, and a clock that is kept right by small steps. */
const alikeMs = 1000;
/** The node's clock is read twice, to a hundredth of a second each time. */
const resolutionMs = 20;

/**
 * By how much a server's clock may have been set back between two moments, at most. Undefined when that is not known: it is another server, the
 * node was started anew, or one of the clocks was set. Pure.
 */
export const setBackMs = (from: Moment, to: Moment): number | undefined => {
  if (from.server !== to.server || from.boot !== to.boot) return undefined;
  const behind = to.afterMs - from.beforeMs - (to.serverMs - from.serverMs) + resolutionMs;
  return Math.abs(behind) > alikeMs ? undefined : Math.max(0, behind);
};
