import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Fails with the names of the missing Debian packages when a program that a test needs is not on PATH. */
export const requireBinaries = (packageOf: Readonly<Record<string, string>>): void => {
  const missing = Object.keys(packageOf).filter((binary) => !isOnPath(binary));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((binary) => packageOf[binary]))].join(' ');
  throw new Error(`this test needs ${missing.join(', ')}: apt-get install ${packages}`);
};

const isOnPath = (binary: string): boolean =>
  `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`.split(':').some((directory) => {
    try {
      accessSync(join(directory, binary), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
