import { z } from 'zod';
import { absolutePath, celRules, objectName, text, withoutParent } from '../primitives.ts';

/** Files on a claim. */
export const filesSource = z
  .object({
    claimName: objectName.describe('PersistentVolumeClaim that holds the files.'),
    paths: z
      .array(absolutePath)
      .min(1)
      .max(64)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('What to back up, from the root of the claim.')
      .optional(),
    exclude: z
      .array(
        text({
          max: 256,
          pattern: /^[A-Za-z0-9._/*?][A-Za-z0-9._/*?-]*$/,
          message: 'write a shell pattern of letters, digits, ".", "_", "-", "/", "*" and "?", such as *.tmp',
        }).meta(celRules(withoutParent)),
      )
      .max(64)
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe('Shell patterns of paths to leave out.')
      .optional(),
    runAs: z.int32().min(1).max(65534).describe('User ID that may read the files.').optional(),
  })
  .describe('Files on a PersistentVolumeClaim. Not available yet: refused with a Stalled condition.');
