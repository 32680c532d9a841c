import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { z } from 'zod';
import { RunError } from '../../../errors/run-error.ts';
import { isOutOfSpace } from '../../disk.ts';

/**
 * What `influxd backup -portable` writes, made stable. It names its files by the time and compresses them, so that two backups of the same
 * data have nothing in common and every incremental is a full. Here each file has a name that stays and is packed without compression:
 * `influxd restore -portable` takes it as it is, and duplicity finds what is the same.
 */

const shardFile = z.object({
  database: z.string(),
  policy: z.string(),
  shardID: z.int(),
  fileName: z.string().regex(/^[A-Za-z0-9.]+\.tar\.gz$/),
  size: z.int().min(0),
});

// Loose: what a newer influxd adds is kept.
const manifest = z.looseObject({
  meta: z.looseObject({ fileName: z.string().regex(/^[A-Za-z0-9.]+\.meta$/), size: z.int().min(1) }),
  limited: z.literal(false),
  files: z.array(shardFile.loose()).nullable(),
});
type Manifest = z.output<typeof manifest>;

/** A shard that a backup holds. */
export interface PackedShard {
  readonly id: string;
  readonly policy: string;
  /** How many files of points it has. */
  readonly tsmFiles: number;
  /** Whether it holds deletions that were not carried out yet: a restore ignores them, and the deleted points return. */
  readonly tombstones: boolean;
}

const manifestFile = 'backup.manifest';
const metaFile = 'backup.meta';
const shardFileOf = (id: number): string => `backup.s${id}.tar.gz`;

/**
 * Takes the backup in `from` over into `to`, with stable names and bytes, and removes it. Every file is read again as it was written.
 * @throws RunError DumpTruncated for what is cut or missing, DumpFailed for what is not as it should be
 */
export const takeOver = async (
  { from, to, database }: { from: string; to: string; database: string },
  signal: AbortSignal,
): Promise<PackedShard[]> => {
  const found = await readManifest(from);
  const files = found.files ?? [];
  const shards: PackedShard[] = [];
  for (const each of files) {
    if (each.database !== database) {
      throw new RunError('DumpFailed', `The manifest of the backup names the database "${each.database}".`);
    }
    const file = shardFileOf(each.shardID);
    await repack(join(from, each.fileName), join(to, file), each.fileName, signal);
    await rm(join(from, each.fileName));
    shards.push({
      id: String(each.shardID),
      policy: each.policy,
      ...(await inspect(join(to, file), each, signal)),
    });
  }
  await takeMeta(join(from, found.meta.fileName), join(to, metaFile), found.meta.size);
  await writeFile(join(to, manifestFile), stableManifest(found), { flag: 'wx', mode: 0o640 });
  await rm(from, { recursive: true });
  return shards;
};

/** The manifest with the names that stay; nothing else of it is changed. */
const stableManifest = (found: Manifest): string => {
  const stable = {
    ...found,
    meta: { ...found.meta, fileName: metaFile },
    files: found.files?.map((file) => ({ ...file, fileName: shardFileOf(file.shardID) })) ?? null,
  };
  return `${JSON.stringify(stable, undefined, 2)}\n`;
};

const readManifest = async (directory: string): Promise<Manifest> => {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.manifest'));
  const [name] = names;
  if (name === undefined || names.length > 1) {
    throw new RunError('DumpTruncated', `influxd said it was done, but left ${names.length} manifests instead of one.`);
  }
  try {
    return manifest.parse(JSON.parse(await readFile(join(directory, name), 'utf8')));
  } catch (error) {
    throw new RunError('DumpTruncated', 'influxd said it was done, but the manifest it left cannot be read.', {
      cause: error,
    });
  }
};

/** zlib's blocks depend on how its input is cut: the same data must be cut the same way each time. */
const blockSize = 64 * 1024;

const inBlocks = (): Transform => {
  let held: Buffer[] = [];
  let length = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      held.push(chunk);
      length += chunk.length;
      if (length >= blockSize) {
        const all = Buffer.concat(held, length);
        const whole = length - (length % blockSize);
        for (let at = 0; at < whole; at += blockSize) this.push(all.subarray(at, at + blockSize));
        held = [all.subarray(whole)];
        length -= whole;
      }
      done();
    },
    flush(done) {
      if (length > 0) this.push(Buffer.concat(held, length));
      done();
    },
  });
};

const repack = async (from: string, to: string, name: string, signal: AbortSignal): Promise<void> => {
  try {
    await pipeline(
      createReadStream(from),
      createGunzip(),
      inBlocks(),
      // Level 0 stores; the header has neither name nor time.
      createGzip({ level: 0 }),
      createWriteStream(to, { flags: 'wx', mode: 0o640 }),
      { signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    if (isOutOfSpace(error)) throw error;
    throw cut(name, error);
  }
};

const cut = (name: string, cause: unknown): RunError =>
  new RunError(
    'DumpTruncated',
    `influxd said it was done, but its file ${name} is not whole: ${cause instanceof Error ? cause.message : String(cause)}.`,
    { cause },
  );

const tarBlock = 512;
/** Two blocks of zeros end an archive. A reader that meets the end of the file instead takes it for the end all the same. */
const endMark = Buffer.alloc(2 * tarBlock);
/** How every file of points begins. */
const tsmMagic = Buffer.from('16d116d1', 'hex');

const inspect = async (
  path: string,
  { database, policy, shardID, fileName, size }: z.output<typeof shardFile>,
  signal: AbortSignal,
): Promise<Pick<PackedShard, 'tsmFiles' | 'tombstones'>> => {
  const archive = extract();
  const tail = tailOf(endMark.length);
  let tsmFiles = 0;
  let tombstones = false;
  const reading = (async () => {
    for await (const entry of archive) {
      const { name, size: length } = entry.header;
      const where = `${database}/${policy}/${shardID}/`;
      if (!name.startsWith(where)) throw new Error(`it holds ${name} instead of files of ${where}`);
      let head = Buffer.alloc(0);
      for await (const part of entry as AsyncIterable<Buffer>) {
        if (head.length < tsmMagic.length) head = Buffer.concat([head, part]);
      }
      if (name.endsWith('.tombstone')) tombstones = true;
      if (!name.endsWith('.tsm')) continue;
      tsmFiles += 1;
      if (!head.subarray(0, tsmMagic.length).equals(tsmMagic))
        throw new Error(`${name} (${length} bytes) holds no points`);
    }
  })();
  const feed = new Writable({
    write(chunk: Buffer, _encoding, done) {
      tail.add(chunk);
      if (archive.write(chunk)) return done();
      archive.once('drain', () => done());
      return undefined;
    },
    final(done) {
      archive.end(undefined);
      done();
    },
  });
  try {
    await Promise.all([
      pipeline(createReadStream(path), createGunzip(), feed, { signal }),
      // A broken archive ends its reader: then the feed must not wait for it.
      reading.catch((error: unknown) => {
        feed.destroy(error instanceof Error ? error : new Error(String(error)));
        throw error;
      }),
    ]);
    if (!tail.bytes().equals(endMark)) throw new Error('it lacks its end mark');
    if (tail.length() !== size) throw new Error(`it has ${tail.length()} bytes unpacked instead of ${size}`);
  } catch (error) {
    signal.throwIfAborted();
    throw cut(fileName, error);
  } finally {
    archive.destroy();
  }
  return { tsmFiles, tombstones };
};

/** Keeps the last bytes of what passes, and counts. */
const tailOf = (size: number) => {
  let kept = Buffer.alloc(0);
  let length = 0;
  return {
    add(chunk: Buffer): void {
      length += chunk.length;
      kept = chunk.length >= size ? Buffer.from(chunk.subarray(-size)) : Buffer.concat([kept, chunk]).subarray(-size);
    },
    bytes: (): Buffer => kept,
    length: (): number => length,
  };
};

// A protocol buffer: the metadata as its first field, whose length the manifest tells, then a number.
const takeMeta = async (from: string, to: string, size: number): Promise<void> => {
  const bytes = await readFile(from).catch((error: unknown) => {
    throw cut('of metadata', error);
  });
  if (bytes[0] !== 0x0a) throw cut('of metadata', new Error('it does not begin as it should'));
  const { value, end } = varint(bytes, 1);
  if (value !== size || bytes.length < end + size)
    throw cut('of metadata', new Error('it is shorter than the manifest says'));
  await writeFile(to, bytes, { flag: 'wx', mode: 0o640 });
};

const varint = (bytes: Buffer, from: number): { value: number; end: number } => {
  let value = 0;
  for (let index = from; index < from + 8; index += 1) {
    const byte = bytes[index] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * (index - from));
    if (byte < 0x80) return { value, end: index + 1 };
  }
  return { value: -1, end: from };
};
