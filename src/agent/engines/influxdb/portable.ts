import { createReadStream, createWriteStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { RunError } from '../../../errors/run-error.ts';
import { isOutOfSpace } from '../../disk.ts';
import {
  inspectShard,
  manifestFile,
  metaFile,
  readManifest,
  readMeta,
  shardFileOf,
  type Manifest,
  type PackedShard,
  type ShardFile,
} from './portable-files.ts';

/**
 * What `influxd backup -portable` writes, made stable. It names its files by the time and compresses them, so that two backups of the same
 * data have nothing in common and every incremental is a full. Here each file has a name that stays and is packed without compression:
 * `influxd restore -portable` takes it as it is, and duplicity finds what is the same.
 */

/**
 * Takes the backup in `from` over into `to`, with stable names and bytes, and removes it. Every file is read again as it was written.
 * @throws RunError DumpTruncated for what is cut or missing, DumpFailed for what is not as it should be
 */
export const takeOver = async (
  { from, to, database }: { from: string; to: string; database: string },
  signal: AbortSignal,
): Promise<PackedShard[]> => {
  const found = await readManifest(from).catch((error: unknown) => {
    throw new RunError('DumpTruncated', `influxd said it was done, but in what it left ${wordsOf(error)}.`, {
      cause: error,
    });
  });
  const files = found.files ?? [];
  const shards: PackedShard[] = [];
  for (const each of files) {
    if (each.database !== database) {
      throw new RunError('DumpFailed', `The manifest of the backup names the database "${each.database}".`);
    }
    const file = shardFileOf(each.shardID);
    await repack(join(from, each.fileName), join(to, file), each.fileName, signal);
    await rm(join(from, each.fileName));
    shards.push(await inspect(join(to, file), each, signal));
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
  new RunError('DumpTruncated', `influxd said it was done, but its file ${name} is not whole: ${wordsOf(cause)}.`, {
    cause,
  });

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const inspect = async (path: string, file: ShardFile, signal: AbortSignal): Promise<PackedShard> => {
  try {
    return await inspectShard(path, file, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw cut(file.fileName, error);
  }
};

const takeMeta = async (from: string, to: string, size: number): Promise<void> => {
  const bytes = await readMeta(from, size).catch((error: unknown) => {
    throw cut('of metadata', error);
  });
  await writeFile(to, bytes, { flag: 'wx', mode: 0o640 });
};
