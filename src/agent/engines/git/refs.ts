/** A ref and the object it names. */
export interface Ref {
  readonly name: string;
  readonly object: string;
}

/** What a server tells of its refs. */
export interface Advertised {
  /** Sorted by name. */
  readonly refs: readonly Ref[];
  /** The branch that HEAD stands for, and the commit; both missing when HEAD leads nowhere. */
  readonly head: { readonly target?: string; readonly object?: string };
  /** Refs that stand for another one, HEAD aside. */
  readonly symbolic: readonly { readonly name: string; readonly target: string }[];
}

/** Below it a restore keeps what it replaced at a server: it is no content of the repository, and no dump has it. */
export const safetyRefs = 'refs/holdfast/';

/** What a server tells of its refs, but for those that a restore set aside. */
export const withoutSafetyRefs = ({ refs, head, symbolic }: Advertised): Advertised => ({
  refs: refs.filter(({ name }) => !name.startsWith(safetyRefs)),
  head,
  symbolic: symbolic.filter(({ name }) => !name.startsWith(safetyRefs)),
});

const byName = (a: Ref, b: Ref): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** Reads what `git ls-remote --symref` prints. Peeled tags (`^{}`) are not refs. */
export const parseAdvertised = (lines: readonly string[]): Advertised => {
  const refs: Ref[] = [];
  const symbolic: { name: string; target: string }[] = [];
  let head: Advertised['head'] = {};
  for (const line of lines) {
    const tab = line.indexOf('\t');
    const [value, name] = [line.slice(0, tab), line.slice(tab + 1)];
    if (tab === -1 || name.endsWith('^{}')) continue;
    const target = value.startsWith('ref: ') ? value.slice('ref: '.length) : undefined;
    if (name === 'HEAD') head = { ...head, ...(target === undefined ? { object: value } : { target }) };
    else if (target === undefined) refs.push({ name, object: value });
    else symbolic.push({ name, target });
  }
  return { refs: refs.toSorted(byName), head, symbolic };
};

/** Reads lines of `<object> <name>`. */
export const parseRefs = (lines: readonly string[]): Ref[] =>
  lines
    .map((line) => ({ object: line.slice(0, line.indexOf(' ')), name: line.slice(line.indexOf(' ') + 1) }))
    .toSorted(byName);

const key = ({ name, object }: Ref): string => `${object} ${name}`;

/** Those of `expected` that are not among `found`, by name and object. */
export const refsMissing = (expected: readonly Ref[], found: readonly Ref[]): Ref[] => {
  const there = new Set(found.map(key));
  return expected.filter((ref) => !there.has(key(ref)));
};

/** Whether two lists have the same refs, by name and object. */
export const sameRefs = (one: readonly Ref[], other: readonly Ref[]): boolean =>
  one.length === other.length && refsMissing(one, other).length === 0;

/** Those refs that stayed what they were from one look to the next. */
export const unmoved = (before: Advertised, after: Advertised): Ref[] => {
  const there = new Set(after.refs.map(key));
  return before.refs.filter((ref) => there.has(key(ref)));
};

/** The refs that were there before and after: one that moved meanwhile, but was never away, must have been fetched in some state. */
export const namesInBoth = (before: Advertised, after: Advertised): string[] => {
  const there = new Set(after.refs.map(({ name }) => name));
  return before.refs.map(({ name }) => name).filter((name) => there.has(name));
};

/** The content of the file HEAD, taken apart as a server tells of it. */
export const parseHead = (text: string): { readonly target?: string; readonly object?: string } => {
  const value = text.trim();
  return value.startsWith('ref: ') ? { target: value.slice('ref: '.length) } : { object: value };
};

/** Whether the fetched HEAD is the one that the server told of before and after; where it moved, or leads nowhere, nothing can be said. */
export const headMatches = (before: Advertised, after: Advertised, fetched: string, refs: readonly Ref[]): boolean => {
  if (before.head.target !== after.head.target || before.head.object !== after.head.object) return true;
  const { target, object } = before.head;
  if (target === undefined && object === undefined) return true;
  const found = parseHead(fetched);
  // A server of an old protocol tells the commit alone: a branch with that very commit is all that can be known.
  if (target === undefined) return (found.object ?? refs.find(({ name }) => name === found.target)?.object) === object;
  return found.target === target;
};
