/** A time as metav1.Time has it: RFC 3339 in UTC, whole seconds. */
export const toTimestamp = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;
