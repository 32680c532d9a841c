import type { z } from 'zod';
import { isRecord } from './types.ts';

/**
 * A status as it was read, field by field: one that this version cannot read (after a downgrade) must not take the memory of all others with
 * it.
 */
export const readStatus = <Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  raw: unknown,
): z.output<z.ZodObject<Shape>> => {
  const given = isRecord(raw) ? raw : {};
  const readable = Object.entries(schema.shape).flatMap(([name, field]) => {
    const { success, data } = (field as z.ZodType).safeParse(given[name]);
    return success && data !== undefined ? [[name, data] as const] : [];
  });
  return schema.parse(Object.fromEntries(readable));
};
