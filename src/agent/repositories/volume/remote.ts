import { constants } from 'node:fs';
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { RunError } from '../../../errors/run-error.ts';
import { errorCode, flush } from '../../disk.ts';
import type { ListedFile } from '../../ship/listing.ts';
import type { Remote } from '../../ship/remote.ts';
import type { RemoteScope } from '../repository.ts';
import { volumeError } from './reasons.ts';

/**
 * Whoever else can write to the claim could put a link where a file or a directory is looked for, and so have the agent read, overwrite or
 * remove what is elsewhere. So no path is gone along that has a link in it, and no file is opened that is one.
 */
export interface VolumePlace {
  /** Where the claim is mounted. */
  mount: string;
  /** The directory of the policy below it: names, separated by "/". */
  directory: string;
}

/** Without O_NONBLOCK the opening of a pipe would wait for whoever writes to it. */
const plainRead = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

const named = (path: string): string[] => path.split('/').filter((part) => part !== '');

const linkInTheWay = (path: string): RunError =>
  new RunError(
    'RepositoryNotWritable',
    `On the repository claim, ${path} is not a plain file or directory; a link is not followed. Remove it.`,
  );

/** The path of what is below the policy's directory. @throws RunError InternalError for a name that leads elsewhere */
const below = ({ mount, directory }: VolumePlace, name: string): string => {
  const parts = named(name);
  if (name.startsWith('/') || parts.some((part) => part === '.' || part === '..'))
    throw new RunError('InternalError', `${JSON.stringify(name)} is not a name below the directory of the policy.`);
  return join(mount, directory, ...parts);
};

/** Makes sure that no part of a directory's path below the mount is a link. */
const checkDirectory = async (mount: string, path: string): Promise<void> => {
  const expected = join(await realpath(mount), relative(mount, path));
  if ((await realpath(path)) !== expected) throw linkInTheWay(path);
};

const withFile = async <T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> => {
  const file = await open(path, plainRead);
  try {
    if (!(await file.stat()).isFile()) throw linkInTheWay(path);
    return await work(file);
  } finally {
    await file.close();
  }
};

const isThere = async (path: string): Promise<boolean> => {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
};

/** Goes on when what was to be removed is not there, or is something else than was named. */
const unlessKept = async (work: () => Promise<void>): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EISDIR'].includes(errorCode(error) ?? '')) throw error;
  }
};

/**
 * Makes sure that duplicity, which follows links, finds none in the directory of a chain.
 * @throws RunError RepositoryNotWritable
 */
export const checkChain = async (place: VolumePlace, chain: string): Promise<string> => {
  try {
    const path = below(place, chain);
    await checkDirectory(place.mount, path);
    const odd = (await readdir(path, { withFileTypes: true })).find((entry) => !entry.isFile() && !entry.isDirectory());
    if (odd) throw linkInTheWay(join(path, odd.name));
    return path;
  } catch (error) {
    throw volumeError(`Looking at ${chain}`, error);
  }
};

/** The directory of a policy on a claim that is mounted here. */
export const createVolumeRemote = (place: VolumePlace, { scratch }: RemoteScope): Remote => {
  const { mount, directory } = place;
  const at = (name: string): string => below(place, name);
  const attempt = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw volumeError(`${doing} on the repository claim`, error);
    }
  };

  const listBelow = async (path: string, prefix: string): Promise<ListedFile[]> => {
    const entries = await readdir(path, { withFileTypes: true });
    const found = await Promise.all(
      entries.map(async (entry): Promise<ListedFile[]> => {
        const name = `${prefix}${entry.name}`;
        if (entry.isDirectory()) return listBelow(join(path, entry.name), `${name}/`);
        if (!entry.isFile()) return [];
        // Gone meanwhile, or a name that is not UTF-8: then it is none of Holdfast's.
        const there = await lstat(join(path, entry.name)).catch((error: unknown) => {
          if (errorCode(error) === 'ENOENT') return undefined;
          throw error;
        });
        return there?.isFile() ? [{ name, size: there.size }] : [];
      }),
    );
    return found.flat();
  };

  const read = (name: string): Promise<Buffer> =>
    attempt(`Reading ${name}`, async () => {
      await checkDirectory(mount, dirname(at(name)));
      return withFile(at(name), (file) => file.readFile());
    });

  return {
    makeDirectory: (name = '') =>
      attempt(`Making the directory ${directory}/${name}`, async () => {
        let path = mount;
        for (const part of relative(mount, at(name)).split(sep)) {
          const parent = path;
          path = join(parent, part);
          try {
            await mkdir(path);
            await flush(parent);
          } catch (error) {
            if (errorCode(error) !== 'EEXIST') throw error;
            if (!(await lstat(path)).isDirectory()) throw linkInTheWay(path);
          }
        }
      }),
    list: () =>
      attempt(`Listing ${directory}`, async () => {
        await checkDirectory(mount, at(''));
        return listBelow(at(''), '');
      }),
    async fetch(name) {
      const content = await read(name);
      const file = join(scratch, `fetched-${name.replaceAll('/', '_')}`);
      await rm(file, { force: true });
      await writeFile(file, content, { mode: 0o600 });
      return file;
    },
    write: (name, content) =>
      attempt(`Writing ${name}`, async () => {
        const path = at(name);
        await checkDirectory(mount, dirname(path));
        const aside = `${path}.new`;
        await rm(aside, { force: true });
        const file = await open(aside, newFile, 0o644);
        try {
          await file.writeFile(content);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(aside, path);
        await flush(dirname(path));
      }),
    remove: (from, names) =>
      attempt(`Removing files from ${from === '' ? directory : from}`, async () => {
        const path = at(from);
        if (!(await isThere(path))) return;
        await checkDirectory(mount, path);
        for (const name of names) {
          const isDirectory = name.endsWith('/');
          const bare = isDirectory ? name.slice(0, -1) : name;
          if (bare === '' || bare.includes('/'))
            throw new RunError('InternalError', `${JSON.stringify(name)} is not the name of a file in ${from}.`);
          const target = at(join(from, bare));
          await unlessKept(() => (isDirectory ? rmdir(target) : unlink(target)));
        }
        await flush(path);
      }),
    readText: async (name) => (await read(name)).toString('utf8'),
    flush: (name) =>
      attempt(`Flushing ${name}`, async () => {
        const path = at(name);
        await checkDirectory(mount, path);
        for (const entry of await readdir(path, { withFileTypes: true }))
          if (entry.isFile()) await withFile(join(path, entry.name), (file) => file.sync());
        await flush(path);
        await flush(dirname(path));
      }),
  };
};
