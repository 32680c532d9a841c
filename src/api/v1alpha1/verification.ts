import { z } from 'zod';
import { shortDigestOf } from '../../base/short-digest.ts';
import type { DeepReadonly } from '../../base/types.ts';
import { sha256, shortDigest, text, time } from './primitives.ts';
import { sourceDigest } from './recovery-points.ts';
import { quantity, resources } from './amounts.ts';

/** How a policy's backups are verified, and what a verification says: a backup is fetched, loaded into a scratch server and compared. */

/** The policy's own checks: as many, of as many characters, as fit into the task of a pod. */
const maxQueries = 16;
const maxQueryLength = 4096;

export const verification = z
  .object({
    sandbox: z
      .object({
        image: text({
          max: 512,
          pattern: /^[a-z0-9][A-Za-z0-9._/:@-]*$/,
          message: 'write the name of an image, such as registry.example.com/mariadb:11.4',
        })
          .describe(
            'Image of the scratch server, of the release that the source runs; one of the operator’s list. Left out: the one of the list for that release.',
          )
          .optional(),
        resources: resources.describe('Compute resources of the scratch server.').optional(),
        storage: quantity
          .describe(
            'Scratch space for the fetched backup and the server together, as a volume of its own that goes with the pod. Left out: the disk of the node.',
          )
          .optional(),
      })
      .describe('Where a backup is restored to be compared.')
      .prefault({}),
    points: z
      .enum(['Latest', 'LatestAndRandom'])
      .default('Latest')
      .describe('Which points are proven: Latest, or LatestAndRandom (an older one too, another in each run).'),
    queries: z
      .array(
        z.object({
          query: z
            .string()
            .min(1)
            .max(maxQueryLength)
            .describe('One statement that reads, in the language of the source: SQL or InfluxQL.'),
          expect: z
            .string()
            .max(maxQueryLength)
            .describe(
              'The result it must have: its rows as lines, their values with a tab between; NULL for what is null.',
            ),
        }),
      )
      .max(maxQueries)
      .default([])
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('Your own checks of the restored data.'),
  })
  .describe(
    'How backups are verified: restored for real into a scratch server, and compared with what the source held.',
  );
export type Verification = z.output<typeof verification>;

/** Digest of the policy's own checks; undefined for none. What others gave says nothing of these. */
export const queriesDigest = (queries: DeepReadonly<Verification['queries']>): string | undefined =>
  queries.length === 0 ? undefined : shortDigestOf(queries.map(({ query, expect }) => [query, expect]));

/** The four checks that the SLA promises of a stored backup. */
export const checkNames = ['created', 'readable', 'complete', 'restorable'] as const;
export type CheckName = (typeof checkNames)[number];

const check = z.object({
  outcome: z.enum(['Passed', 'Failed', 'Unknown']).describe('Unknown: it could not be carried out.'),
  evidence: z.string().max(160).describe('What was seen, in words.'),
});
export type Check = z.output<typeof check>;

export const checks = z
  .object({
    created: check.describe('The set was made at the time that was recorded when it was shipped.'),
    readable: check.describe('It was fetched from the repository with no cache, and decrypted.'),
    complete: check.describe('Every file is there with its recorded size and digest, facts.json included.'),
    restorable: check.describe('It was loaded into a scratch server, which then held what the source held.'),
  })
  .describe('Each by itself, with its evidence.');
export type Checks = z.output<typeof checks>;

/** The very set that was looked at. */
export const verifiedSet = z.object({
  type: z.enum(['Full', 'Incremental']).describe('What kind of set it is.'),
  setTime: time.describe('The time duplicity knows the set by.'),
  dataTime: time.describe('The state of the data in it.'),
  chain: z.string().max(64).describe('Directory of its chain in the repository.'),
  setDigest: sha256.describe('SHA-256 of the manifest, as recorded when it was shipped and found again.'),
  factsDigest: sha256.describe('SHA-256 of facts.json, likewise.').optional(),
  source: sourceDigest.optional(),
});
export type VerifiedSet = z.output<typeof verifiedSet>;

/** At most this many objects that differ are named. */
export const maxNamedMismatches = 10;

export const verificationOutcome = z.enum(['Verified', 'Failed', 'CouldNotVerify']);
export type VerificationOutcome = z.output<typeof verificationOutcome>;

/** What a verification found of one set. */
export const verificationReport = z.object({
  outcome: verificationOutcome.describe(
    'CouldNotVerify is not Verified: nothing was found wrong, and nothing is proven.',
  ),
  set: verifiedSet.describe('The set; missing when it did not come as far as to choose one.').optional(),
  checks,
  objectsCompared: z.int().min(0).describe('Tables, views, measurements, refs and so on.').optional(),
  rowsCompared: z.int().min(0).describe('Rows, points or objects.').optional(),
  mismatches: z
    .object({
      count: z.int().min(0).describe('How many objects differ.'),
      named: z
        .array(z.string().max(80))
        .max(maxNamedMismatches)
        .meta({ 'x-kubernetes-list-type': 'atomic' })
        .describe(`The first of them; at most ${maxNamedMismatches}.`),
    })
    .describe('What the restored data has otherwise than the source had.')
    .optional(),
  sourceBytes: z.int().min(0).describe('Size of the dump that was fetched, in bytes.').optional(),
  seconds: z
    .object({
      fetch: z.number().min(0).describe('From the repository, decrypted.'),
      load: z.number().min(0).describe('Into the scratch server.'),
      compare: z.number().min(0).describe('Facts taken again and compared, queries included.'),
    })
    .partial()
    .describe('How long each part took, in seconds.')
    .optional(),
  queries: shortDigest
    .describe('Digest of the policy’s own checks, all of which gave what was expected; missing when there were none.')
    .optional(),
  server: z.string().max(64).describe('Engine and version of the scratch server.').optional(),
});
export type VerificationReport = z.output<typeof verificationReport>;

/** What the verify pod says: of the newest set, and of an older one where that was asked for. */
export const verificationResult = z.object({
  latest: verificationReport.describe('Of the newest set of a chain that was whole by its listing.'),
  older: verificationReport.describe('Of an older one, where the policy asks for that.').optional(),
});
export type VerificationResult = z.output<typeof verificationResult>;
