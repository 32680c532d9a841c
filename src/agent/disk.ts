import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';

/** Flushes a file or directory to the disk: a rename counts after a power cut only when the directory was flushed. */
export const flush = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** What a file of ours holds; undefined when it is not there, or not as it should be. */
export const readRecord = async <Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): Promise<z.output<Schema> | undefined> => {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
};

/** Removes all that is in a directory, which stays. */
export const emptyDirectory = async (path: string): Promise<void> => {
  for (const name of await readdir(path)) await rm(join(path, name), { recursive: true });
};

/** Replaces a file in one step: written aside, flushed, renamed. After a crash there is the old content or the new. */
export const replaceFile = async (path: string, content: string): Promise<void> => {
  const aside = `${path}.new`;
  const handle = await open(aside, 'w', 0o660);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(aside, path);
  await flush(dirname(path));
};

/** SHA-256 of a file in hexadecimal. */
export const sha256OfFile = async (path: string, signal?: AbortSignal): Promise<string> => {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path, { highWaterMark: 1 << 20, ...(signal && { signal }) })) {
    hash.update(part as Buffer);
  }
  return hash.digest('hex');
};

/** Whether an error of the file system says that the disk or the quota is full. */
export const isOutOfSpace = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '');

/** The code of a system error: `ENOENT`, `ENOSPC`… */
export const errorCode = (error: unknown): string | undefined => {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
};
