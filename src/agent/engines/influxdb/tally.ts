import { createHash } from 'node:crypto';
import type { SeriesPart } from './server.ts';

/** What is counted of a field or a shard: how many points and series, and a checksum over every time, value and tag. */
export interface Counted {
  readonly points: number;
  readonly series: number;
  readonly checksum: string;
}

/** Adds up points that come in an order of their own: series after series, each from its oldest point on. */
export interface Tally {
  /** `series` names the series in full; `encoded` are its next points. */
  add(series: string, encoded: Buffer, points: number): void;
  counted(): Counted;
}

export const createTally = (): Tally => {
  const hash = createHash('sha256');
  let current: string | undefined;
  let [points, series] = [0, 0];
  return {
    add(name, encoded, more) {
      if (more === 0) return;
      if (name !== current) {
        current = name;
        series += 1;
        hash.update(`${Buffer.byteLength(name)}:${name}`);
      }
      points += more;
      hash.update(encoded);
    },
    counted: () => ({ points, series, checksum: hash.copy().digest('hex') }),
  };
};

/** Adds up what was counted apart, in one order. */
export interface Sum {
  /** `name` is that of the part. One without a point is as if it were not there: a server lists fields that have lost their last. */
  add(name: string, part: Counted): void;
  counted(): Counted;
}

export const createSum = (): Sum => {
  const hash = createHash('sha256');
  let [points, series] = [0, 0];
  return {
    add(name, part) {
      if (part.points === 0) return;
      points += part.points;
      series += part.series;
      hash.update(`${Buffer.byteLength(name)}:${name}${part.checksum}`);
    },
    counted: () => ({ points, series, checksum: hash.copy().digest('hex') }),
  };
};

/** A span of time that points are counted for, in nanoseconds since 1970; `to` is not in it. */
export interface Span {
  readonly from: bigint;
  readonly to: bigint;
  readonly tally: Tally;
}

/** The times of a part, which all of its columns have in common. */
export const timesOf = ({ values }: Pick<SeriesPart, 'values'>): bigint[] => values.map(([time]) => wholeNumber(time));

/** One column of the values of a part. */
export interface Column {
  /** 0 is that of the times. */
  readonly index: number;
  readonly times: readonly bigint[];
}

/** Puts a part of a series into every span that its points lie in. `type` is the type of the field. */
export const addPart = (
  spans: readonly Span[],
  series: string,
  part: SeriesPart,
  type: string,
  column: Column = { index: 1, times: timesOf(part) },
): void => {
  const { times, ends, encoded } = encodePoints(part, type, column);
  for (const { from, to, tally } of spans) {
    const first = lowerBound(times, from);
    const last = lowerBound(times, to);
    if (last > first) tally.add(series, encoded.subarray(ends[first - 1] ?? 0, ends[last - 1]), last - first);
  }
};

/** The index of the first time that is not before `time`; times ascend. */
const lowerBound = (times: readonly bigint[], time: bigint): number => {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0n) < time) low = middle + 1;
    else high = middle;
  }
  return low;
};

interface Encoded {
  readonly times: readonly bigint[];
  /** Where in `encoded` each point ends. */
  readonly ends: readonly number[];
  readonly encoded: Buffer;
}

// Eight bytes of time, then the value: the same bytes whatever the server cut into which parts.
const encodePoints = ({ values }: SeriesPart, type: string, { index, times: all }: Column): Encoded => {
  const write = encoders[type];
  if (write === undefined) throw new Error(`a field of type ${type} is not known`);
  const times: bigint[] = [];
  const ends: number[] = [];
  let buffer = Buffer.allocUnsafe(values.length * 16 + 64);
  let offset = 0;
  for (const [row, cells] of values.entries()) {
    const value = cells[index];
    if (value === null || value === undefined) continue;
    const needed = offset + 16 + (typeof value === 'string' ? value.length * 3 : 0);
    if (needed > buffer.length) buffer = Buffer.concat([buffer], needed * 2);
    const at = all[row] ?? wholeNumber(undefined);
    times.push(at);
    offset = write(buffer, value, buffer.writeBigInt64BE(at, offset));
    ends.push(offset);
  }
  return { times, ends, encoded: buffer.subarray(0, offset) };
};

type Write = (buffer: Buffer, value: unknown, offset: number) => number;

const encoders: Readonly<Record<string, Write>> = {
  float: (buffer, value, offset) => buffer.writeDoubleBE(typeof value === 'number' ? value : Number(value), offset),
  integer: (buffer, value, offset) => buffer.writeBigInt64BE(wholeNumber(value), offset),
  unsigned: (buffer, value, offset) => buffer.writeBigUInt64BE(wholeNumber(value), offset),
  boolean: (buffer, value, offset) => buffer.writeUInt8(value === true ? 1 : 0, offset),
  string: (buffer, value, offset) => {
    const length = buffer.write(String(value), offset + 4, 'utf8');
    return buffer.writeUInt32BE(length, offset) + length;
  },
};

const wholeNumber = (value: unknown): bigint => {
  if (typeof value === 'bigint' || typeof value === 'number') return BigInt(value);
  throw new Error(`a whole number was expected instead of ${typeof value}`);
};
