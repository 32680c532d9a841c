import { createHash } from 'node:crypto';

/** The first 64 bits of the SHA-256 of a value as JSON, in hexadecimal: tells apart what people write, and names it in few bytes. */
export const shortDigestOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
