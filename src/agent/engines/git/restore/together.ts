import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunError } from '../../../../errors/run-error.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import type { GitFacts } from '../facts.ts';
import { gitFailure, wentWrong } from '../reasons.ts';
import type { Advertised, Ref } from '../refs.ts';
import { withFiles, type GitSession } from '../session.ts';
import { detailOf } from './errors.ts';
import { isPushable } from './names.ts';

/** What is brought together. */
export interface Sides {
  /** The bare repository that the backup was loaded into: it must stay as long as what is made is used. */
  readonly repository: string;
  readonly facts: GitFacts;
  /** What the server lists. */
  readonly before: Advertised;
  /** A repository that was made the same way, when the server listed just that: it is fetched from there, and the server is not asked. */
  readonly known?: string | undefined;
}

/** Where the refs of the server are, by which git knows what must not have moved. */
export const presentRefs = 'refs/present/';

/**
 * Brings the restored and the present refs together in one repository, below refs/restored/ and refs/present/. No object is copied on this
 * machine: those of the others are looked for where they are.
 * @throws RunError ExchangeFailed: the server does not give what it has; nothing there was changed
 */
export const bringTogether = async (
  { signal }: Pick<RestoreContext, 'signal'>,
  session: GitSession,
  place: string,
  { repository, facts, before, known }: Sides,
): Promise<void> => {
  const run = async (doing: string, args: readonly string[]): Promise<void> => {
    const ended = await session.git(args);
    if (wentWrong(ended)) throw gitFailure(doing, ended);
  };
  await run('A repository cannot be made', [
    'init',
    '--quiet',
    '--bare',
    `--object-format=${facts.objectFormat}`,
    place,
  ]);
  const others = [repository, ...(known === undefined ? [] : [known])].map((each) => `${join(each, 'objects')}\n`);
  await mkdir(join(place, 'objects/info'), { recursive: true });
  await writeFile(join(place, 'objects/info/alternates'), others.join(''));
  const all = `+refs/*:${presentRefs}*`;
  for (const [key, value] of [
    ['url', session.url],
    ['fetch', all],
  ] as const) {
    await run('A repository cannot be made', ['-C', place, 'config', `remote.destination.${key}`, value]);
  }
  const but = (refs: readonly Ref[]): string[] => refs.filter((ref) => !isPushable(ref)).map(({ name }) => `^${name}`);
  const fetch = fetcherInto(session, place);
  await fetch('What was loaded cannot be read', repository, '+refs/*:refs/restored/*', ...but(facts.refs));
  const from =
    known === undefined ? ['destination', all, ...but(before.refs)] : [known, `+${presentRefs}*:${presentRefs}*`];
  const [source = '', ...refspecs] = from;
  await fetch('What is there cannot be set aside', source, ...refspecs).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new RunError('ExchangeFailed', `${detailOf(error)}. Nothing there was changed.`, { cause: error });
  });
};

/** Fetches into a repository of our own, from one of this machine too. */
export const fetcherInto =
  (session: GitSession, place: string) =>
  async (doing: string, from: string, ...refspecs: readonly string[]): Promise<void> => {
    const options = ['--quiet', '--no-tags', '--no-write-fetch-head'];
    const ended = await withFiles(session).git(['-C', place, 'fetch', ...options, '--', from, ...refspecs]);
    if (wentWrong(ended)) throw gitFailure(doing, ended);
  };
