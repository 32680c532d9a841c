import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { copiedPaths } from './dockerfile.ts';

/** Whether a file belongs to the paths copied: is one of them, or in one of them. */
export const isCopied = (file: string, copied: readonly string[] | undefined): boolean =>
  copied === undefined || copied.some((path) => file === path || file.startsWith(`${path}/`));

/** The files of a context: as git sees them, without what it ignores; all of them where there is no git. */
const listFiles = async (context: string): Promise<string[]> => {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const git = await execa('git', args, { cwd: context, reject: false });
  if (!git.failed) return git.stdout.split('\0').filter((path) => path !== '');
  const entries = await readdir(context, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(context.length + 1));
};

const describeFile = async (path: string): Promise<string> => {
  const stat = await lstat(path).catch(() => undefined);
  if (stat === undefined) return 'absent';
  if (stat.isSymbolicLink()) return `link ${await readlink(path)}`;
  const digest = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
  return `file ${(stat.mode & 0o111) === 0 ? '-' : 'x'} ${digest}`;
};

/**
 * A hash of everything an image is made of: Dockerfile, target, base images, and the files copied. The same hash is the same image, but
 * for what package registries give that day.
 */
export const contentHash = async (input: {
  context: string;
  dockerfile: string;
  target: string | undefined;
  baseIds: readonly string[];
}): Promise<string> => {
  const copied = copiedPaths(input.dockerfile);
  const files = (await listFiles(input.context)).filter((file) => isCopied(file, copied)).toSorted();
  const described = await Promise.all(files.map(async (file) => [file, await describeFile(join(input.context, file))]));
  const whole = JSON.stringify([input.dockerfile, input.target ?? '', input.baseIds, described]);
  return createHash('sha256').update(whole).digest('hex').slice(0, 32);
};
