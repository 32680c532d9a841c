import { z } from 'zod';
import { objectName } from './primitives.ts';

/** The value types that the agent's tasks are made of. */

/** An absolute path in a container. */
export const directory = z.string().min(1).max(512).regex(/^\//);

/** A Secret as an agent finds it. */
export const mountedSecret = z.object({
  directory: directory.describe('Where the Secret is mounted.'),
  secret: objectName.describe('Its name, for messages.'),
});
