import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { z } from 'zod';
import { canonicalJson } from '../../dump/canonical-json.ts';
import { question, type BackupService } from './backup-service.ts';
import type { ListedShard } from './listing.ts';
import { readArchive } from './portable-files.ts';
import { rowsOf, unlessRefused, type InfluxServer } from './server.ts';

/** What tells the prints of shards: both doors of a server. */
export interface PrintedBy {
  readonly server: InfluxServer;
  readonly service: BackupService;
}

const sinceEver = '0001-01-01T00:00:00Z';

/** How long the service may be silent: it writes to its disk what a shard has in memory before it sends anything. */
const silenceMs = 60_000;

/** A SHA-256 over all files of a shard that its values are in, as the service sends them; undefined when it does not, or not whole. */
const filesOf = async (
  { host, port }: BackupService,
  { database, policy, id, start, end }: ListedShard,
  signal: AbortSignal,
): Promise<string | undefined> => {
  signal.throwIfAborted();
  const socket = connect({ host, port, signal });
  socket.setTimeout(silenceMs, () => socket.destroy(new Error(`no answer came within ${silenceMs / 1000} s`)));
  const asked = {
    Type: 0,
    BackupDatabase: database,
    BackupRetentionPolicy: policy,
    ShardID: Number(id),
    Since: sinceEver,
  };
  socket.write(question('shardFiles', asked));
  try {
    const where = `${database}/${policy}/${id}/`;
    const { files, whole } = await readArchive([socket], { where, digests: true, signal });
    if (!whole || !files.every(({ name }) => isKnown(name))) return undefined;
    // Where two files have a point of the same time, the one whose name comes later counts.
    const values = files.filter(({ name }) => isOfValues(name)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return createHash('sha256').update(canonicalJson({ start, end, values })).digest('hex');
  } catch {
    signal.throwIfAborted();
    return undefined;
  } finally {
    socket.destroy();
  }
};

const isOfValues = (name: string): boolean => /^\d+-\d+\.tsm$/.test(name);

/** Of values, or of an index, which the server makes anew from those. Anything else, such as a file of deletions, may change what is given. */
const isKnown = (name: string): boolean => isOfValues(name) || /^(index\/|fields\.idx$)/.test(name);

const memoryRow = z.object({ memBytes: z.number(), diskBytes: z.number() });

/** The numbers of those shards of which the server says that all values are in files: nothing is in memory, and nothing on its way from there. */
const allInFiles = async (server: InfluxServer, signal: AbortSignal): Promise<ReadonlySet<string>> => {
  const parts = await unlessRefused(server.show(`SHOW STATS FOR 'tsm1_cache'`, signal), []);
  return new Set(
    parts.flatMap((part) => {
      const [row] = rowsOf([part]);
      const { success, data } = memoryRow.safeParse(row);
      return success && data.memBytes === 0 && data.diskBytes === 0 ? [part.tags['id'] ?? ''] : [];
    }),
  );
};

/**
 * The prints of shards: a SHA-256 over the span of time of each and, in their order, over the names and contents of all files that its values
 * are in. Two shards of the same print hold the same values, and one that has the same print twice was not written to between. Undefined
 * when that cannot be told: the service does not have the shard, or does not send it whole; deletions are not carried out yet, so that
 * files hold what the server no longer gives; or something is in memory. When it is asked for files the service writes to them what is in
 * memory, if it can: later versions send the others when it cannot just then. So it counts that nothing was there before they were asked for.
 * @throws RunError when the server does not answer any more; the signal's reason
 */
export const printsOf = async (
  { server, service }: PrintedBy,
  shards: readonly ListedShard[],
  signal: AbortSignal,
): Promise<(string | undefined)[]> => {
  if (shards.length === 0) return [];
  const atFirst = await allInFiles(server, signal);
  const inMemory = shards.filter(({ id }) => !atFirst.has(id));
  for (const shard of inMemory) await filesOf(service, shard, signal);
  const then = inMemory.length === 0 ? atFirst : await allInFiles(server, signal);
  const found: (string | undefined)[] = [];
  for (const shard of shards) found.push(then.has(shard.id) ? await filesOf(service, shard, signal) : undefined);
  return found;
};
