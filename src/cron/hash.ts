import { createHash } from 'node:crypto';
import { CronError } from './error.ts';

/** `H`, or a span of it: `H(0-29)`. */
const hashed = /^H(?:\(([0-9]{1,2})-([0-9]{1,2})\))?$/;

/** The fields that may be hashed, in the order of a line, with their largest value. */
const fields = [
  { name: 'minute', max: 59 },
  { name: 'hour', max: 23 },
] as const;

// 48 bits: over a span of 60 no value is preferred by more than one part in 10^12.
const hashOf = (text: string): number => createHash('sha256').update(text).digest().readUIntBE(0, 6);

const valueOf = (line: string, text: string, { name, max }: (typeof fields)[number], seed: string): string => {
  const [match, low = '0', high = String(max)] = hashed.exec(text) ?? [];
  if (match === undefined) return text;
  const [first, last] = [Number(low), Number(high)];
  if (last > max) throw new CronError(line, `${name} "${text}" goes beyond ${max}; write H(0-${max}) or less`);
  if (first > last) throw new CronError(line, `${name} "${text}" runs backwards; write H(${last}-${first})`);
  return String(first + (hashOf(`${seed}/${name}`) % (last - first + 1)));
};

/**
 * The plain line that a line with `H` in its minute or hour stands for: always the same for the same seed, and spread evenly over seeds, so that
 * a thousand policies do not start in one minute. A line without `H` stays as it is. CronJob knows no `H`: it never sees one.
 *
 * @throws CronError for a span that runs backwards or out of its field
 */
export const resolveLine = (line: string, seed: string): string => {
  const [minute = '', hour = '', ...others] = line.split(/ +/);
  if (!minute.startsWith('H') && !hour.startsWith('H')) return line;
  return [valueOf(line, minute, fields[0], seed), valueOf(line, hour, fields[1], seed), ...others].join(' ');
};
