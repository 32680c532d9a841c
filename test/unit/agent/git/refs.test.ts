import * as fc from 'fast-check';
import {
  headMatches,
  namesInBoth,
  parseAdvertised,
  parseRefs,
  refsMissing,
  unmoved,
  type Advertised,
} from '../../../../src/agent/engines/git/refs.ts';

const a = 'a'.repeat(40);
const b = 'b'.repeat(40);

const advertised = (refs: Record<string, string>, head: Advertised['head'] = {}): Advertised => ({
  refs: Object.entries(refs).map(([name, object]) => ({ name, object })),
  head,
  symbolic: [],
});

test('what ls-remote prints is taken apart: HEAD, refs sorted by name, symbolic refs, and no peeled tags', () => {
  const lines = [
    'ref: refs/heads/main\tHEAD',
    `${a}\tHEAD`,
    `${b}\trefs/tags/v1`,
    `${a}\trefs/tags/v1^{}`,
    'ref: refs/heads/main\trefs/heads/alias',
    `${a}\trefs/heads/alias`,
    `${a}\trefs/heads/ü"'$(id)`,
    'a line of something else',
  ];
  expect(parseAdvertised(lines)).toEqual({
    refs: [
      { name: 'refs/heads/alias', object: a },
      { name: `refs/heads/ü"'$(id)`, object: a },
      { name: 'refs/tags/v1', object: b },
    ],
    head: { target: 'refs/heads/main', object: a },
    symbolic: [{ name: 'refs/heads/alias', target: 'refs/heads/main' }],
  });
});

test('an empty repository has no refs and no HEAD', () => {
  expect(parseAdvertised([])).toEqual({ refs: [], head: {}, symbolic: [] });
});

test('refs are missing by name and by object', () => {
  const refs = parseRefs([`${a} refs/heads/x`, `${b} refs/heads/y`]);
  expect(refsMissing(refs, refs)).toEqual([]);
  expect(refsMissing(refs, parseRefs([`${a} refs/heads/x`, `${a} refs/heads/y`]))).toEqual([refs[1]]);
  expect(refsMissing(refs, [])).toEqual(refs);
});

test('what did not move between two looks, and what was there at both', () => {
  const before = advertised({ kept: a, moved: a, removed: a });
  const after = advertised({ kept: a, moved: b, added: b });
  expect(unmoved(before, after).map(({ name }) => name)).toEqual(['kept']);
  expect(namesInBoth(before, after)).toEqual(['kept', 'moved']);
});

const atMain = { target: 'refs/heads/main', object: a };
const refs = [{ name: 'refs/heads/main', object: a }];

test.each([
  { before: atMain, after: atMain, fetched: 'ref: refs/heads/main\n', ok: true, reason: 'the same branch' },
  { before: atMain, after: atMain, fetched: 'ref: refs/heads/other\n', ok: false, reason: 'another branch' },
  { before: atMain, after: atMain, fetched: `${a}\n`, ok: false, reason: 'detached, though it is a branch there' },
  { before: { object: a }, after: { object: a }, fetched: `${a}\n`, ok: true, reason: 'detached at the commit' },
  { before: { object: a }, after: { object: a }, fetched: `${b}\n`, ok: false, reason: 'detached at another commit' },
  {
    before: { object: a },
    after: { object: a },
    fetched: 'ref: refs/heads/main\n',
    ok: true,
    reason: 'a server that does not tell the branch',
  },
  {
    before: { object: b },
    after: { object: b },
    fetched: 'ref: refs/heads/main\n',
    ok: false,
    reason: 'a branch that is at another commit',
  },
  { before: {}, after: {}, fetched: 'ref: refs/heads/not-yet\n', ok: true, reason: 'HEAD leads nowhere' },
  {
    before: atMain,
    after: { ...atMain, object: b },
    fetched: 'ref: refs/heads/x\n',
    ok: true,
    reason: 'it moved meanwhile: nothing can be said',
  },
])('HEAD as fetched is judged by what the server told: $reason', ({ before, after, fetched, ok }) => {
  expect(headMatches(advertised({}, before), advertised({}, after), fetched, refs)).toBe(ok);
});

test('whatever moves, a fetch at any moment between is not called wrong for it', () => {
  const name = fc.constantFrom('p', 'q', 'r', 's');
  const state = fc.dictionary(name, fc.constantFrom(a, b));
  fc.assert(
    fc.property(state, state, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), (first, last, early) => {
      const before = advertised(first);
      const after = advertised(last);
      const fetched = ['p', 'q', 'r', 's'].flatMap((each, index) => {
        const object = (early[index] === true ? first : last)[each];
        return object === undefined ? [] : [{ name: each, object }];
      });
      expect(refsMissing(unmoved(before, after), fetched)).toEqual([]);
      const names = fetched.map((ref) => ref.name);
      expect(namesInBoth(before, after).filter((each) => !names.includes(each))).toEqual([]);
    }),
  );
});
