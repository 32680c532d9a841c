import { mkdir } from 'node:fs/promises';
import { execa } from 'execa';

/** Mounts a disk of so many bytes at a directory, which is made, for as long as the work lasts. */
export const withSmallDisk = async <T>(directory: string, size: string, work: () => Promise<T>): Promise<T> => {
  await mkdir(directory, { recursive: true });
  await execa('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'holdfast-test', directory]);
  try {
    return await work();
  } finally {
    await execa('umount', [directory]);
  }
};
