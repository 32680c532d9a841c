import type { Compared } from '../../verify/engine.ts';
import type { ListedFacts } from './collect-facts.ts';
import type { GitFacts, RepositoryFacts } from './facts.ts';

/** What a repository that was loaded holds. */
export interface FoundRepository extends ListedFacts {
  /** How often git fsck complained; missing where it was not asked. */
  readonly flaws?: number;
  /** The file HEAD. */
  readonly head: string;
  /** Paths of the working tree that are not as HEAD has them. */
  readonly changed: readonly string[];
}

/**
 * Compares a repository with the facts of its backup. How often git fsck complains is not compared: that the same objects are there, each
 * read and found to be what its name says, is proven by their digest, and another version of git complains otherwise. Pure.
 */
export const compareFacts = (facts: GitFacts, found: FoundRepository): Compared => ({
  objects: facts.refs.length + 1,
  rows: sumOf(facts.objects),
  mismatches: [
    ...(found.objectFormat === facts.objectFormat
      ? []
      : [`object format: ${found.objectFormat} instead of ${facts.objectFormat}`]),
    ...(found.head === facts.head ? [] : [`HEAD: ${found.head} instead of ${facts.head}`]),
    ...compareRefs(facts.refs, found.refs),
    ...compareObjects(facts, found),
    ...found.changed.map((path) => `file ${path}: not as in HEAD`),
  ],
  notWitnessed: [],
});

const types = ['commit', 'tree', 'blob', 'tag'] as const;

const sumOf = (objects: RepositoryFacts['objects']): number => types.reduce((sum, type) => sum + objects[type], 0);

const short = (object: string): string => object.slice(0, 12);

const compareRefs = (expected: GitFacts['refs'], found: GitFacts['refs']): string[] => {
  const there = new Map(found.map(({ name, object }) => [name, object]));
  const known = new Set(expected.map(({ name }) => name));
  return [
    ...expected.flatMap(({ name, object }) => {
      const now = there.get(name);
      if (now === undefined) return [`ref ${name}: missing`];
      return now === object ? [] : [`ref ${name}: ${short(now)} instead of ${short(object)}`];
    }),
    ...found.filter(({ name }) => !known.has(name)).map(({ name }) => `ref ${name}: unexpected`),
  ];
};

const compareObjects = (
  facts: Pick<RepositoryFacts, 'objects' | 'objectsDigest'>,
  found: Pick<RepositoryFacts, 'objects' | 'objectsDigest'>,
): string[] => {
  const counts = types
    .filter((type) => found.objects[type] !== facts.objects[type])
    .map((type) => `objects of type ${type}: ${found.objects[type]} instead of ${facts.objects[type]}`);
  if (counts.length > 0 || found.objectsDigest === facts.objectsDigest) return counts;
  return [`objects: others than recorded, as many`];
};
