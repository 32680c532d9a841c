import { join } from 'node:path';

/** What Node keeps of files it has compiled, for each process of the agent: half of its start would go into the same files again. */
export const compileCache = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, '../../../node_modules/.cache/holdfast-agent'),
} as const;
