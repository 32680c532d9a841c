import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable, type Duplex, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { z } from 'zod';

/** The files of a portable backup, and whether each is whole. */

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
export type Manifest = z.output<typeof manifest>;
export type ShardFile = z.output<typeof shardFile>;

/** A shard that a backup holds. */
export interface PackedShard {
  readonly id: string;
  readonly policy: string;
  /** How many files of points it has. */
  readonly tsmFiles: number;
  /** Whether it holds deletions that were not carried out yet: a restore ignores them, and the deleted points return. */
  readonly tombstones: boolean;
}

export const manifestFile = 'backup.manifest';
export const metaFile = 'backup.meta';
export const shardFileOf = (id: number): string => `backup.s${id}.tar.gz`;

/**
 * The manifest of the backup in a directory, by whatever name; a restore would take all that there are.
 * @throws Error saying what is wrong
 */
export const readManifest = async (directory: string): Promise<Manifest> => {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.manifest'));
  const [name] = names;
  if (name === undefined || names.length > 1) throw new Error(`there are ${names.length} manifests instead of one`);
  try {
    return manifest.parse(JSON.parse(await readFile(join(directory, name), 'utf8')));
  } catch (error) {
    throw new Error('the manifest cannot be read', { cause: error });
  }
};

const tarBlock = 512;
/** Two blocks of zeros end an archive. A reader that meets the end of the file instead takes it for the end all the same. */
const endMark = Buffer.alloc(2 * tarBlock);
/** How every file of points begins. */
const tsmMagic = Buffer.from('16d116d1', 'hex');

/** A file in the archive of a shard. */
export interface ArchivedFile {
  /** Below the place of the shard. */
  readonly name: string;
  readonly size: number;
  /** SHA-256 of its content; only where it is asked for. */
  readonly digest?: string;
}

/** What an archive of a shard holds. */
export interface Archive {
  readonly files: readonly ArchivedFile[];
  /** How many bytes it has. */
  readonly length: number;
  /** Whether its end mark is there. */
  readonly whole: boolean;
}

/** How an archive is read. */
export interface ArchiveOptions {
  /** What the names of its files begin with. */
  readonly where: string;
  /** Whether the digests of its files are wanted, which cost more than the rest. */
  readonly digests?: boolean;
  readonly signal: AbortSignal;
}

/**
 * Reads an archive of a shard from end to end. `source`: where its bytes come from, and what they pass.
 * @throws Error saying what is wrong with it
 */
export const readArchive = async (
  source: readonly [Readable, ...Duplex[]],
  { where, digests = false, signal }: ArchiveOptions,
): Promise<Archive> => {
  const archive = extract();
  const tail = tailOf(endMark.length);
  const files: ArchivedFile[] = [];
  const reading = (async () => {
    for await (const entry of archive) {
      const { name, size = 0 } = entry.header;
      if (!name.startsWith(where)) throw new Error(`it holds ${name} instead of files of ${where}`);
      let head = Buffer.alloc(0);
      const hash = digests ? createHash('sha256') : undefined;
      for await (const part of entry as AsyncIterable<Buffer>) {
        if (head.length < tsmMagic.length) head = Buffer.concat([head, part]);
        hash?.update(part);
      }
      if (name.endsWith('.tsm') && !head.subarray(0, tsmMagic.length).equals(tsmMagic))
        throw new Error(`${name} (${size} bytes) holds no points`);
      files.push({ name: name.slice(where.length), size, ...(hash && { digest: hash.digest('hex') }) });
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
      pipeline([...source, feed], { signal }),
      // A broken archive ends its reader: then the feed must not wait for it.
      reading.catch((error: unknown) => {
        feed.destroy(error instanceof Error ? error : new Error(String(error)));
        throw error;
      }),
    ]);
    return { files, length: tail.length(), whole: tail.bytes().equals(endMark) };
  } finally {
    archive.destroy();
  }
};

/**
 * Reads the file of a shard from end to end.
 * @throws Error saying what is wrong with it
 */
export const inspectShard = async (
  path: string,
  { database, policy, shardID, size }: ShardFile,
  signal: AbortSignal,
): Promise<PackedShard> => {
  const where = `${database}/${policy}/${shardID}/`;
  const { files, length, whole } = await readArchive([createReadStream(path), createGunzip()], { where, signal });
  if (!whole) throw new Error('it lacks its end mark');
  if (length !== size) throw new Error(`it has ${length} bytes unpacked instead of ${size}`);
  return {
    id: String(shardID),
    policy,
    tsmFiles: files.filter(({ name }) => name.endsWith('.tsm')).length,
    tombstones: files.some(({ name }) => name.endsWith('.tombstone')),
  };
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

/**
 * The file of the metadata: a protocol buffer that has them as its first field, whose length the manifest tells, then a number.
 * @throws Error saying what is wrong with it
 */
export const readMeta = async (path: string, size: number): Promise<Buffer> => {
  const bytes = await readFile(path);
  if (bytes[0] !== 0x0a) throw new Error('it does not begin as it should');
  const { value, end } = varint(bytes, 1);
  if (value !== size || bytes.length < end + size) throw new Error('it is shorter than the manifest says');
  return bytes;
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
