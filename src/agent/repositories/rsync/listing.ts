import type { ListedFile } from '../../ship/listing.ts';

/** Mode, size (with or without thousands separators), date, time, name: rsync(1), `--list-only`. */
const line = /^([-dlpscb])\S{9}\S?\s+([\d,.]+)\s+\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d (.*)$/;

/** rsync writes what is not printable as `\#` and three octal digits. */
const unescape = (name: string): string =>
  name.replaceAll(/\\#([0-7]{3})/g, (_, octal: string) => String.fromCodePoint(Number.parseInt(octal, 8)));

/** Reads the regular files out of the output of `rsync --list-only`; names keep their spaces. Lines of another form are left out. */
export const parseListing = (output: string): ListedFile[] =>
  output.split('\n').flatMap((text) => {
    const [, kind, size, name] = line.exec(text) ?? [];
    if (kind !== '-' || size === undefined || name === undefined) return [];
    return [{ name: unescape(name), size: Number(size.replaceAll(/[,.]/g, '')) }];
  });
