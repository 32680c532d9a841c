import { z } from 'zod';
import { cronLine } from './cron-pattern.ts';
import { byteQuantity, celRules, duration, objectName, text } from './primitives.ts';

/**
 * When runs start. Cron lines are read as Kubernetes' CronJob reads them (robfig/cron v3), but for `H`, which is resolved before
 * (src/workloads/lines.ts).
 */
export const schedule = z
  .object({
    timeZone: text({
      max: 64,
      pattern: /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/,
      message: 'write the name of an IANA time zone, such as Europe/Tallinn or Etc/UTC',
    })
      .default('Etc/UTC')
      .describe('IANA time zone that the cron lines are read in, for example Europe/Tallinn.'),
    localCopy: cronLine
      .describe(
        'When the data is dumped onto the claim beside the policy. Without it each full and incremental dumps for itself. H, or a span such as H(0-29), as minute or hour: a value that is always the same for this policy and spreads policies evenly.',
      )
      .optional(),
    full: cronLine.describe('When a full backup is shipped to the repository. It begins a new chain.').optional(),
    incremental: cronLine
      .describe('When an incremental backup is shipped: what changed since the newest backup of the chain.')
      .optional(),
    verify: cronLine
      .describe(
        'When the newest backup is restored for real into a scratch server, and compared. Example: `0 5 * * 0`.',
      )
      .optional(),
    window: z
      .object({
        start: text({
          max: 5,
          pattern: /^([01][0-9]|2[0-3]):[0-5][0-9]$/,
          message: 'write a time of day in quotes, such as "01:00"',
        }).describe('Time of day in the time zone of the schedule, for example "01:00".'),
        duration: duration.describe(
          'How long the window is open, less than a day, for example 30m. It may cross midnight.',
        ),
        enforce: z
          .boolean()
          .default(false)
          .describe(
            'Whether a dump is stopped when the window closes, and one that would start outside is refused. Otherwise it is reported.',
          ),
      })
      .describe(
        'The time of least activity that dumps must stay in, on the wall clock of the time zone. Uploads may take longer. The condition WindowKept says whether the newest dump did.',
      )
      .optional(),
  })
  .meta(
    celRules(
      {
        rule: 'has(self.localCopy) || has(self.full)',
        message: 'schedule: set full (a backup in the repository), localCopy (a copy on the claim), or both',
      },
      {
        rule: '!has(self.incremental) || has(self.full)',
        message: 'schedule.incremental needs schedule.full: an incremental continues the chain that a full begins',
      },
      {
        rule: '!has(self.verify) || has(self.full)',
        message: 'schedule.verify needs schedule.full: what is verified is fetched from the repository',
      },
    ),
  )
  .describe('When runs start.');

/** The claim beside the policy: local copies, the archive of signatures that incrementals need, and the ledger of runs. */
export const localCopy = z
  .object({
    size: byteQuantity
      .default('10Gi')
      .describe(
        'Size of the claim. It holds `keep` local copies, one more while a dump runs, and duplicity’s signatures.',
      ),
    storageClassName: objectName
      .describe(
        'Storage class of the claim; the default class of the cluster when left out. Cannot be changed once the claim exists.',
      )
      .optional(),
    keep: z.int32().min(1).max(100).default(2).describe('How many local copies are kept.'),
  })
  .describe('Local copies and the claim they lie on.');

/** How long backups are kept. */
export const retention = z
  .object({
    keepFor: duration
      .describe(
        'How far back a restore must reach, for example 4w or 1mo (a calendar month in the time zone of the schedule). A chain is kept until every moment of this span can be restored without it.',
      )
      .optional(),
    keepFullChains: z
      .int32()
      .min(1)
      .max(1000)
      .describe(
        'How many intact chains are kept: fulls, each with its incrementals. With keepFor too, a chain goes only when both allow it.',
      )
      .optional(),
    freezeOnShrink: z
      .int32()
      .min(1)
      .max(100)
      .default(50)
      .describe(
        'Nothing is removed while the newest copy holds less than what is stored by more than this many percent of its rows or bytes: the source may have been emptied. 100 never freezes. The annotation holdfast.dev/accept-shrink accepts a loss that is meant.',
      ),
  })
  .meta(
    celRules({
      rule: 'has(self.keepFor) || has(self.keepFullChains)',
      message: 'retention: set keepFor (such as 4w), keepFullChains, or both',
    }),
  )
  .describe(
    'How long backups are kept. Chains are removed whole; the last intact one never. Without it nothing is removed from the repository.',
  );
export type Retention = z.output<typeof retention>;

/** What was promised. Promises are judged; they do not stop anything. */
export const objectives = z
  .object({
    recoveryPointObjective: duration
      .describe('RPO: the most data, in time, that may be lost. Example: 25h.')
      .optional(),
    recoveryTimeObjective: duration.describe('RTO: the longest that a restore may take. Example: 1h.').optional(),
    backupDurationObjective: duration.describe('The longest that a backup should take. Example: 1h.').optional(),
  })
  .describe('What was promised: RPO and RTO. Judged all the time; nothing is stopped by them.');

/** When a run is ended because it takes too long. */
export const deadlines = z
  .object({
    start: duration
      .default('1h')
      .describe('How late a run may still start when its time was missed; later it waits for the next.'),
    localCopy: duration
      .default('4h')
      .describe(
        'A dump that is not done after this is stopped and reported as failed; the one of a full or incremental too.',
      ),
    full: duration.default('12h').describe('Likewise for shipping a full, after its dump.'),
    incremental: duration.default('12h').describe('Likewise for shipping an incremental, after its dump.'),
    verify: duration
      .default('4h')
      .describe('Likewise for fetching a backup to be verified, and again for loading and comparing it.'),
    prune: duration.default('1h').describe('Likewise for removing what retention no longer asks for.'),
    restore: duration
      .default('4h')
      .describe('Likewise for each step of a restore: to fetch, to load and compare, to replace, to compare again.'),
  })
  .describe('When a run is stopped because it takes too long.');
