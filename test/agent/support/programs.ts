import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from './directories.ts';

/** A directory of shell scripts to be put before PATH, in the place of programs: for tools that lie, die or hang. */
export const makePrograms = async (
  scripts: Readonly<Record<string, string>>,
): Promise<{ path: string; remove(): Promise<void> }> => {
  const directory = await makeDirectory();
  for (const [name, script] of Object.entries(scripts)) {
    const path = join(directory.path, name);
    await writeFile(path, `#!/bin/bash\n${script}\n`);
    await chmod(path, 0o755);
  }
  return directory;
};
