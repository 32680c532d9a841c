import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { processIdentitySchema } from '../process.ts';
import type { Layout } from './layout.ts';

/** What the host remembers of a running cluster. */
export const recordSchema = z.object({
  name: z.string(),
  /** Undefined until the network is there. */
  slot: z.int().optional(),
  /** unshare(1), which waits for the node's first process. */
  outer: processIdentitySchema,
  /** The first process inside: when it ends, the kernel ends all others. */
  init: processIdentitySchema.optional(),
});

/** See `recordSchema`. */
export type ClusterRecord = z.infer<typeof recordSchema>;

/** What the node is told. */
export const nodeSettingsSchema = z.object({ name: z.string(), slot: z.int(), hyperkubeDirectory: z.string() });

/** See `nodeSettingsSchema`. */
export type NodeSettings = z.infer<typeof nodeSettingsSchema>;

/** Writes a file so that nobody reads half of it. */
export const writeJson = async (path: string, value: unknown): Promise<void> => {
  await writeFile(`${path}.partial`, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.partial`, path);
};

/** The record; undefined when there is none, or none that can be read. */
export const readRecord = async (layout: Layout): Promise<ClusterRecord | undefined> => {
  const text = await readFile(layout.record, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};
