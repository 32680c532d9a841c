import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { BringTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import { errorCode, readRecord, replaceFile } from '../disk.ts';
import type { FetchGround } from '../fetch/frame.ts';
import { clearPlaces } from '../fetch/places.ts';

/** Says whose restore a directory is of: it may be one on somebody's claim. */
const ownerFile = 'restore.json';

const owner = z.object({ request: z.object({ name: z.string(), uid: z.string() }) });

const entriesOf = async (directory: string): Promise<string[]> => {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
};

/**
 * Where a restore lays the files of a backup. What the same request left there, when it was killed, is removed; what anybody else has there is
 * not touched.
 */
export const bringGround = ({ fetched, request, policy, set }: BringTask): FetchGround => {
  const path = join(fetched, ownerFile);
  return {
    async begin() {
      const [first] = (await entriesOf(fetched)).filter((name) => name !== `${ownerFile}.new`);
      if (first !== undefined && (await readRecord(path, owner))?.request.uid !== request.uid)
        throw new RunError(
          'DestinationNotEmpty',
          `The directory ${fetched} holds ${JSON.stringify(first)}, which is not of this request.`,
        );
      await mkdir(fetched, { recursive: true });
      await clearPlaces(fetched);
      await replaceFile(path, `${JSON.stringify({ request, policy, set })}\n`);
    },
    async clear() {
      await clearPlaces(fetched);
      await rm(path, { force: true });
      // What it is mounted at stays.
      await rmdir(fetched).catch(() => undefined);
    },
  };
};
