import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of a test's own. Its path is short, since sockets lie in it. */
export const makeDirectory = async (below: string = tmpdir()): Promise<{ path: string; remove(): Promise<void> }> => {
  const path = await mkdtemp(join(below, 'hf-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
};
