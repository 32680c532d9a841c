import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { handoverFile } from './handover.ts';

/** Where sets are laid in the volume that the next container has too, and what duplicity works in meanwhile. */
export const places = { latest: 'latest', older: 'older', temporary: 'work' } as const;

/** Removes what was laid there, and what says so first. */
export const clearPlaces = async (fetched: string): Promise<void> => {
  for (const name of [handoverFile, ...Object.values(places)])
    await rm(join(fetched, name), { recursive: true, force: true });
};
