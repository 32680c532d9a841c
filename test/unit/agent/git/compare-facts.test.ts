import { compareFacts, type FoundRepository } from '../../../../src/agent/engines/git/compare-facts.ts';
import { gitFacts, holdingOf } from '../../../../src/agent/engines/git/facts.ts';

const id = (digit: string): string => digit.repeat(40);

const facts = gitFacts.parse({
  version: 1,
  engine: 'git',
  dataTime: '2026-11-22T23:15:00Z',
  objectFormat: 'sha1',
  head: 'ref: refs/heads/main',
  refs: [
    { name: 'refs/heads/main', object: id('a') },
    { name: 'refs/pull/1/merge', object: id('d') },
    { name: 'refs/tags/v1', object: id('b') },
  ],
  objects: { commit: 2, tree: 3, blob: 4, tag: 1 },
  objectsDigest: 'c'.repeat(64),
  flaws: 1,
});

const found = (change: Partial<FoundRepository> = {}): FoundRepository => {
  const { objectFormat, head, refs, objects, objectsDigest, flaws } = facts;
  return { objectFormat, head, refs, objects, objectsDigest, flaws, changed: [], ...change };
};

test.each<{ reason: string; change: Partial<FoundRepository>; mismatches: string[] }>([
  { reason: 'equal', change: {}, mismatches: [] },
  {
    reason: 'another git complains otherwise of the very same objects',
    change: { flaws: 7 },
    mismatches: [],
  },
  {
    reason: 'another branch',
    change: { head: 'ref: refs/heads/x' },
    mismatches: ['HEAD: ref: refs/heads/x instead of ref: refs/heads/main'],
  },
  {
    reason: 'detached',
    change: { head: id('a') },
    mismatches: [`HEAD: ${id('a')} instead of ref: refs/heads/main`],
  },
  { reason: 'a ref is missing', change: { refs: facts.refs.slice(0, 2) }, mismatches: ['ref refs/tags/v1: missing'] },
  {
    reason: 'a ref was moved',
    change: { refs: [{ name: 'refs/heads/main', object: id('e') }, ...facts.refs.slice(1)] },
    mismatches: ['ref refs/heads/main: eeeeeeeeeeee instead of aaaaaaaaaaaa'],
  },
  {
    reason: 'a ref came',
    change: { refs: [...facts.refs, { name: 'refs/x', object: id('a') }] },
    mismatches: ['ref refs/x: unexpected'],
  },
  {
    reason: 'objects are missing, by type',
    change: { objects: { commit: 2, tree: 2, blob: 3, tag: 1 }, objectsDigest: 'd'.repeat(64) },
    mismatches: ['objects of type tree: 2 instead of 3', 'objects of type blob: 3 instead of 4'],
  },
  {
    reason: 'as many objects, others',
    change: { objectsDigest: 'd'.repeat(64) },
    mismatches: ['objects: others than recorded, as many'],
  },
  {
    reason: 'another format of objects',
    change: { objectFormat: 'sha256' },
    mismatches: ['object format: sha256 instead of sha1'],
  },
  {
    reason: 'a file was changed',
    change: { changed: ['a/b', 'c'] },
    mismatches: ['file a/b: not as in HEAD', 'file c: not as in HEAD'],
  },
])('$reason', ({ change, mismatches }) => {
  expect(compareFacts(facts, found(change))).toEqual({ objects: 4, rows: 10, mismatches, notWitnessed: [] });
});

test('what a repository holds: its objects, and the refs that people make', () => {
  expect(holdingOf(facts)).toEqual({ rows: 10, holding: ['refs/heads/main', 'refs/tags/v1'] });
});
