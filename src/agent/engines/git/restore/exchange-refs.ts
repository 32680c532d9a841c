import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DestinationState, SafetyCopy } from '../../../../api/v1alpha1/restore-report.ts';
import { RunError } from '../../../../errors/run-error.ts';
import { lastWords, type Ended } from '../../../exec.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import { shorten } from '../../../text.ts';
import { listAllRefs } from '../advertised.ts';
import type { GitFacts } from '../facts.ts';
import { gitFailure, wentWrong } from '../reasons.ts';
import { parseHead, refsMissing, safetyRefs, withoutSafetyRefs, type Advertised, type Ref } from '../refs.ts';
import type { GitSession } from '../session.ts';
import { detailOf } from './errors.ts';
import { makeScratch } from './scratch.ts';

export interface RefsExchange {
  /** The bare repository that the backup was loaded into. */
  readonly repository: string;
  readonly facts: GitFacts;
  readonly tell: (state: DestinationState) => void;
}

/** Where refs of a restore lie at the server. */
const prefixOf = (id: string): string => `${safetyRefs}${id}/`;

/** Somebody may push between our look and our push; then the server refuses, and it is looked at again. */
const maxAttempts = 3;

/**
 * Has a server exchange all refs in one push, which it carries out whole or not at all: each present ref gets a second name below
 * refs/holdfast/, each restored one its value, and what was not there then is deleted. A ref that was moved meanwhile makes it fail.
 */
export const exchangeRefs = async (
  context: RestoreContext,
  session: GitSession,
  exchange: RefsExchange,
): Promise<SafetyCopy> => {
  const { facts, repository, tell } = exchange;
  await checkHead(session, repository, facts);
  const prefix = prefixOf(context.task.id);
  for (let attempt = 1; ; attempt += 1) {
    const before = await listAllRefs(session);
    if (isDone(before, facts, prefix)) {
      tell('Replaced');
      noteHead(context, before, facts);
      return safetyCopyOf(session, namesBelow(before.refs, prefix), prefix);
    }
    const ended = await push(context, session, exchange, prefix);
    const after = await stateAfter(context, session, tell);
    const own = withoutSafetyRefs(before).refs;
    if (isDone(after, facts, prefix) || wasTaken({ ended, after, facts, own, prefix })) {
      tell('Replaced');
      noteHead(context, after, facts);
      return safetyCopyOf(
        session,
        own.map(({ name }) => `${prefix}${name.replace(/^refs\//, '')}`),
        prefix,
      );
    }
    const words = refusal(ended);
    context.log.warn('the server did not take the push', { words, attempt });
    if (attempt < maxAttempts && isStale(words)) continue;
    if (ended.exitCode === 0 || namesBelow(after.refs, prefix).length > 0) {
      tell('Unavailable');
      throw new RunError('ExchangeFailed', `The server does not hold what it took: ${words}.`);
    }
    throw new RunError(
      'ExchangeFailed',
      `The server did not take the push, which changed nothing: ${words}. It must let the account force and delete every ref (protected branches, denyDeletes, denyNonFastForwards, hidden refs), if only for the restore.`,
    );
  }
};

interface Push {
  readonly ended: Ended;
  readonly after: Advertised;
  readonly facts: GitFacts;
  /** The refs that were there before. */
  readonly own: readonly Ref[];
  readonly prefix: string;
}

/**
 * Whether a push was carried out, by more than git's word. Of an empty repository nothing is set aside; a server may hide what was; and
 * somebody may have pushed since, which the comparison that follows tells.
 */
const wasTaken = ({ ended, after, facts, own, prefix }: Push): boolean =>
  (isEqual(after, facts) && (own.length === 0 || ended.exitCode === 0)) ||
  (ended.exitCode === 0 && own.length > 0 && namesBelow(after.refs, prefix).length === own.length);

/** Whether a ref was moved by somebody else meanwhile. */
const isStale = (words: string): boolean =>
  /stale info|cannot lock ref|failed to update ref|fetch first|reference already exists/.test(words);

const isEqual = (advertised: Advertised, { refs }: Pick<GitFacts, 'refs'>): boolean => {
  const own = withoutSafetyRefs(advertised).refs;
  return refsMissing(refs, own).length === 0 && own.length === refs.length;
};

/** All refs as restored, and something set aside: by this very restore. */
const isDone = (advertised: Advertised, facts: GitFacts, prefix: string): boolean =>
  isEqual(advertised, facts) && advertised.refs.some(({ name }) => name.startsWith(prefix));

/** A HEAD that is detached cannot be pushed, nor commits that it alone leads to. */
const checkHead = async ({ git }: GitSession, repository: string, { head }: GitFacts): Promise<void> => {
  const { object } = parseHead(head);
  if (object === undefined) return;
  const args = [
    '-C',
    repository,
    'rev-list',
    '--max-count=1',
    object,
    '--not',
    '--branches',
    '--tags',
    '--glob=refs/*',
  ];
  const ended = await git(args, { stdout: 'capture' });
  if (ended.exitCode !== 0) throw gitFailure('HEAD cannot be read', ended, 'BackupNotLoadable');
  if (ended.stdout.trim() === '') return;
  const detail = `HEAD of the backup is the commit ${object.slice(0, 12)}, which no branch leads to, and which cannot be pushed.`;
  throw new RunError('DestinationUnsupported', detail);
};

/** Brings the restored and the present refs together in one repository, each below a name of its own, and pushes from there. */
const push = async (
  context: RestoreContext,
  session: GitSession,
  { repository, facts }: RefsExchange,
  prefix: string,
): Promise<Ended> => {
  const scratch = await makeScratch(context, 'exchange');
  try {
    const place = join(scratch.path, 'exchange.git');
    const git = async (doing: string, args: readonly string[]): Promise<void> => {
      const ended = await session.git(['-c', 'protocol.file.allow=always', ...args]);
      if (wentWrong(ended)) throw gitFailure(doing, ended);
    };
    const fetch = (doing: string, from: string, ...refspecs: readonly string[]): Promise<void> =>
      git(doing, ['-C', place, 'fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', from, ...refspecs]);
    await git('A repository cannot be made', [
      'init',
      '--quiet',
      '--bare',
      `--object-format=${facts.objectFormat}`,
      place,
    ]);
    for (const [key, value] of [
      ['url', session.url],
      // By what was fetched it is known what must not have moved.
      ['fetch', '+refs/*:refs/present/*'],
    ] as const) {
      await git('A repository cannot be made', ['-C', place, 'config', `remote.destination.${key}`, value]);
    }
    await fetch('What was loaded cannot be read', repository, '+refs/*:refs/restored/*');
    await fetch('What is there cannot be set aside', 'destination').catch((error: unknown) => {
      context.signal.throwIfAborted();
      throw new RunError('ExchangeFailed', `${detailOf(error)}. Nothing there was changed.`, { cause: error });
    });
    // What other restores have set aside stays as it is.
    await fetch('Refs cannot be copied', '.', `+refs/present/holdfast/*:refs/restored/holdfast/*`);
    await fetch('Refs cannot be copied', '.', '+refs/present/*:refs/aside/*', '^refs/present/holdfast/*');
    const refspecs = ['refs/restored/*:refs/*', `refs/aside/*:${prefix}*`];
    const options = ['--porcelain', '--atomic', '--prune', '--force-with-lease', '--no-verify'];
    return await session.git(['-C', place, 'push', ...options, '--', 'destination', ...refspecs], {
      stdout: 'capture',
      tailLines: 60,
    });
  } finally {
    await scratch.remove();
  }
};

const looks = 5;
const pauseMs = 2000;

/** What the server holds after a push; it may be away for a moment. */
const stateAfter = async (
  context: RestoreContext,
  session: GitSession,
  tell: RefsExchange['tell'],
): Promise<Advertised> => {
  for (let look = 1; ; look += 1) {
    try {
      return await listAllRefs(session);
    } catch (error) {
      context.signal.throwIfAborted();
      if (look < looks) {
        await sleep(pauseMs, undefined, { signal: context.signal });
        continue;
      }
      tell('Unavailable');
      const detail = `After the push the server does not tell what it holds: either all is restored, or nothing was changed. ${detailOf(error)}.`;
      throw new RunError('ExchangeFailed', detail, { cause: error });
    }
  }
};

/** Why the server refused, by its own words: `!  <from>:<to>  [remote rejected] (why)`, and what it says beside. */
const refusal = (ended: Ended): string => {
  const rejected = ended.stdout
    .split('\n')
    .filter((line) => line.startsWith('!') && !/atomic (push failed|transaction failed)/.test(line))
    .map((line) =>
      line
        .split('\t')
        .slice(1)
        .join(' ')
        .replace(/^\S*:(\S+)/, '$1'),
    );
  const remote = ended.stderr
    .split('\n')
    .flatMap((line) =>
      /^remote: ?(.*\S)/.exec(line)?.[1] !== undefined ? [line.replace(/^remote: ?/, '').trim()] : [],
    );
  const words = [...rejected.slice(0, 2), ...remote.slice(0, 2)];
  return (words.length > 0 ? words.join('; ') : lastWords('git', ended)).replace(/\.$/, '');
};

/** HEAD of a server is none of a client's business: that it differs is told. */
const noteHead = ({ note }: RestoreContext, { head }: Advertised, facts: GitFacts): void => {
  const { target } = parseHead(facts.head);
  if (target === undefined || head.target === undefined || head.target === target) return;
  note({
    reason: 'NotCovered',
    message: `HEAD of the repository stands for ${head.target}, and stood for ${target} in the backup: a push cannot change that. Set the default branch at the server.`,
  });
};

const maxNames = 8;

const safetyCopyOf = ({ url }: GitSession, names: readonly string[], prefix: string): SafetyCopy => {
  if (names.length === 0) return { kind: 'None', names: [], count: 0 };
  const where = shorten(url, 80);
  return {
    kind: 'Refs',
    names: names.slice(0, maxNames).map((name) => shorten(name, 160)),
    count: names.length,
    howToUse: `git fetch ${where} '${prefix}*:refs/before/*'; to put a branch back: git push --force ${where} refs/before/heads/NAME:refs/heads/NAME`,
  };
};

const namesBelow = (refs: readonly Ref[], prefix: string): string[] =>
  refs.map(({ name }) => name).filter((name) => name.startsWith(prefix));

/** Deletes the refs that a restore set aside. */
export const discardRefs = async (context: RestoreContext, session: GitSession): Promise<void> => {
  const prefix = prefixOf(context.task.id);
  const before = await listAllRefs(session);
  if (namesBelow(before.refs, prefix).length === 0) return;
  const scratch = await makeScratch(context, 'discard');
  try {
    const place = join(scratch.path, 'empty.git');
    const format = before.refs[0]?.object.length === 64 ? 'sha256' : 'sha1';
    const made = await session.git(['init', '--quiet', '--bare', `--object-format=${format}`, place]);
    if (made.exitCode !== 0) throw gitFailure('A repository cannot be made', made);
    const args = ['-C', place, 'push', '--porcelain', '--prune', '--', session.url, `refs/none/*:${prefix}*`];
    const ended = await session.git(args, { stdout: 'capture' });
    const left = namesBelow((await listAllRefs(session)).refs, prefix);
    if (left.length > 0) {
      const detail = `The server did not delete ${left.length} refs below ${prefix}: ${refusal(ended)}.`;
      throw new RunError('ExchangeFailed', detail);
    }
  } finally {
    await scratch.remove();
  }
};
