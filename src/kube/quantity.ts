// The suffixes of Kubernetes' resource quantities (k8s.io/apimachinery/pkg/api/resource), as powers of their bases.
const binary: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const decimal: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const form = /^([+-]?)(\d*)(?:\.(\d*))?(?:([KMGTPE]i)|[eE]([+-]?\d{1,2})|([numkMGTPE]?))$/;

/** Whether two values are the same amount: `1000m` and `1`, `0.5Gi` and `512Mi`. The server rewrites them into its own form. */
export function sameQuantity(a: unknown, b: unknown): boolean {
  const [left, right] = [nanos(a), nanos(b)];
  return left !== undefined && left === right;
}

/** Whether `a` is the smaller amount; false when either is no quantity. */
export function isLessThan(a: unknown, b: unknown): boolean {
  const [left, right] = [nanos(a), nanos(b)];
  return left !== undefined && right !== undefined && left < right;
}

/** The amount in billionths, the finest that the server keeps; undefined when it is not a quantity. */
function nanos(value: unknown): bigint | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const match = form.exec(String(value));
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', binarySuffix, exponent, decimalSuffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n);
  const shift = binarySuffix === undefined ? 0 : (binary[binarySuffix] ?? 0);
  const power = exponent === undefined ? (decimal[decimalSuffix] ?? 0) : Number(exponent);
  const scale = 9 + (binarySuffix === undefined ? power : 0) - fraction.length;
  const shifted = digits << BigInt(shift);
  return scale >= 0 ? shifted * 10n ** BigInt(scale) : shifted / 10n ** BigInt(-scale);
}
