import { z } from 'zod';
import type { DeepReadonly } from '../../base/types.ts';
import { celRules, exactlyOneOf } from './primitives.ts';
import { rsyncRepository } from './repositories/rsync.ts';
import { s3Repository } from './repositories/s3.ts';
import { sftpRepository } from './repositories/sftp.ts';
import { volumeRepository } from './repositories/volume.ts';

/** Where backups are kept. Adding a target is one more block here, one folder in the agent and one builder. */
export const repository = z
  .object({
    rsync: rsyncRepository.optional(),
    sftp: sftpRepository.optional(),
    s3: s3Repository.optional(),
    volume: volumeRepository.optional(),
    adopt: z
      .boolean()
      .default(false)
      .describe(
        'Takes over a directory whose owner marker names another cluster or policy. Set it once, after you made sure that nobody else writes there.',
      ),
  })
  .meta(celRules(exactlyOneOf('repository', ['rsync', 'sftp', 's3', 'volume'])))
  .describe('Where backups are kept. Exactly one of rsync, sftp, s3, volume.');
export type Repository = DeepReadonly<z.output<typeof repository>>;
