import { z } from 'zod';
import { sha256, time } from '../../../api/v1alpha1/primitives.ts';

/**
 * facts.json: what the repository held, read back from the copy that was written. Verification and restore take the same facts from the
 * restored repository and compare. Lists are sorted by name and keys are sorted, so that equal facts are equal bytes.
 */

const count = z.int().min(0);

export const gitFacts = z.object({
  version: z.literal(1),
  engine: z.literal('git'),
  dataTime: time,
  objectFormat: z.enum(['sha1', 'sha256']),
  head: z.string().describe('The file HEAD: "ref: refs/heads/main", or the ID of a commit when it is detached.'),
  refs: z.array(z.object({ name: z.string(), object: z.string() })).describe('Every ref and the object it names.'),
  objects: z.object({ commit: count, tree: count, blob: count, tag: count }).describe('How many objects of each type.'),
  objectsDigest: sha256.describe('SHA-256 of the IDs of all objects, sorted, each with a newline.'),
  flaws: count.describe(
    'How many times git fsck --strict complains about the form of an object that is whole (old tools wrote such); the copy has them as they are.',
  ),
});
export type GitFacts = z.output<typeof gitFacts>;

/** What the facts are taken from, in one repository. */
export type RepositoryFacts = Omit<GitFacts, 'version' | 'engine' | 'dataTime' | 'head'>;

/** Refs that people make, and miss: servers make others (for pull requests, say) and remove them as they see fit. */
const made = /^refs\/(heads|tags|notes)\//;

/** How many objects there are, and which refs. */
export const holdingOf = ({
  objects,
  refs,
}: Pick<GitFacts, 'objects' | 'refs'>): { rows: number; holding: string[] } => ({
  rows: Object.values(objects).reduce((sum, each) => sum + each, 0),
  holding: refs.map(({ name }) => name).filter((name) => made.test(name)),
});
