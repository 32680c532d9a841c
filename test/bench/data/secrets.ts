import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Lays a Secret out: its keys into a directory, as a pod has them mounted. Gives the directory. */
export type MakeSecret = (name: string, keys: Readonly<Record<string, string>>) => Promise<string>;

/** Secrets below a directory. */
export const secretsIn =
  (home: string): MakeSecret =>
  async (name, keys) => {
    const directory = join(home, 'secrets', name);
    await mkdir(directory, { recursive: true });
    for (const [key, value] of Object.entries(keys)) await writeFile(join(directory, key), value, { mode: 0o600 });
    return directory;
  };
