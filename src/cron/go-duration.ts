/**
 * Go's `time.ParseDuration`, as `@every` uses it: `1h30m`, `1.5h`, `+90s`, `-1m`, `0`. Undefined for what Go refuses, among it spans of
 * 2^63 nanoseconds (292 years) and more.
 */
const units: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

const limit = 2n ** 63n;

/** The nanoseconds of `.digits` of a unit. Go computes them in a double and overlooks digits beyond 63 bits; so does this. */
const fractionOf = (digits: string, unit: bigint): bigint => {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    if (value > (limit - 1n) / 10n) break;
    value = value * 10n + BigInt(digit);
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(unit) / scale)));
};

/** One number with its unit at the start of a text. */
const part = /^([0-9]*)(?:\.([0-9]*))?([^0-9.]+)/;

/** The nanoseconds of a Go duration, or undefined if Go refuses it. */
export const parseGoDuration = (text: string): bigint | undefined => {
  const negative = text.startsWith('-');
  let rest = text.replace(/^[+-]/, '');
  if (rest === '0') return 0n;
  if (rest === '') return undefined;

  let total = 0n;
  while (rest !== '') {
    const [all = '', whole = '', fraction = '', unitName = ''] = part.exec(rest) ?? [];
    const unit = units.get(unitName);
    if (unit === undefined || (whole === '' && fraction === '')) return undefined;
    total += BigInt(whole === '' ? '0' : whole) * unit + fractionOf(fraction, unit);
    if (total > limit) return undefined;
    rest = rest.slice(all.length);
  }
  if (negative) return -total;
  return total === limit ? undefined : total;
};
