import { safetyRefs, type Ref } from '../refs.ts';

/** Where a restore keeps the refs that it replaced at a server. */
export const prefixOf = (id: string): string => `${safetyRefs}${id}/`;

/** Where it keeps what it has sent to a server, as long as no ref of the repository leads there. */
export const besideOf = (id: string): string => `${safetyRefs}${id}-new/`;

/** The names among refs that are below a prefix. */
export const namesBelow = (refs: readonly Ref[], prefix: string): string[] =>
  refs.map(({ name }) => name).filter((name) => name.startsWith(prefix));

/** Git pushes refs of three parts and more: refs/stash it neither makes, nor moves, nor deletes. */
export const isPushable = ({ name }: Ref): boolean => name.split('/').length > 2;
