const decimal = /^[0-9]+$/;

/**
 * Compares two resource versions of one API server: below zero when `a` came before `b`; undefined when they cannot be compared. Every
 * kind counts on one number, etcd's revision; that they may be compared is promised since Kubernetes 1.35 (KEP-5504).
 */
export function compareVersions(a: string, b: string): number | undefined {
  if (!decimal.test(a) || !decimal.test(b)) return undefined;
  const difference = BigInt(a) - BigInt(b);
  if (difference === 0n) return 0;
  return difference < 0n ? -1 : 1;
}

/** Whether `a` is known to have come after `b`. */
export function isNewer(a: string, b: string): boolean {
  return (compareVersions(a, b) ?? 0) > 0;
}
