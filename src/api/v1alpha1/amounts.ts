import { z } from 'zod';
import { text } from './primitives.ts';

/** An amount as Kubernetes writes it. */
export const quantity = text({
  max: 32,
  pattern: /^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti|k|M|G|T)?$/,
  message: 'write a quantity such as 500m, 2, 256Mi or 1Gi',
});

const amounts = z.object({
  cpu: quantity.describe('Processor time, for example 500m (half a core).').optional(),
  memory: quantity.describe('Memory, for example 256Mi.').optional(),
});

/** Compute resources of a container. */
export const resources = z
  .object({
    requests: amounts.describe('What is reserved.').optional(),
    limits: amounts.describe('What may be used at most.').optional(),
  })
  .describe('Compute resources of a container.');
