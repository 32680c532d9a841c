import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DestinationState, SafetyCopy } from '../../../../api/v1alpha1/restore-report.ts';
import { RunError } from '../../../../errors/run-error.ts';
import type { Ended } from '../../../exec.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import { shorten } from '../../../text.ts';
import { listAllRefs } from '../advertised.ts';
import type { GitFacts } from '../facts.ts';
import { gitFailure } from '../reasons.ts';
import { parseHead, refsMissing, sameRefs, withoutSafetyRefs, type Advertised, type Ref } from '../refs.ts';
import type { GitSession, LocalGit } from '../session.ts';
import { detailOf } from './errors.ts';
import { besideOf, isPushable, namesBelow, prefixOf } from './names.ts';
import { refusal } from './refusal.ts';
import { makeScratch } from './scratch.ts';
import { knownBeside } from './send-beside.ts';
import { bringTogether, fetcherInto } from './together.ts';

export interface RefsExchange {
  /** The bare repository that the backup was loaded into. */
  readonly repository: string;
  readonly facts: GitFacts;
  readonly tell: (state: DestinationState) => void;
}

/** Somebody may push between our look and our push; then the server refuses, and it is looked at again. */
const maxAttempts = 3;

/**
 * Has a server exchange all refs in one push, which it carries out whole or not at all: each present ref gets a second name below
 * refs/holdfast/, each restored one its value, and what was not there then is deleted, the names of what was sent beside among that. A ref that was moved
 * meanwhile makes it fail.
 */
export const exchangeRefs = async (
  context: RestoreContext,
  session: GitSession,
  exchange: RefsExchange,
): Promise<SafetyCopy> => {
  const { facts, tell } = exchange;
  const [prefix, beside] = [prefixOf(context.task.id), besideOf(context.task.id)];
  let keepsBeside = false;
  for (let attempt = 1; ; attempt += 1) {
    const before = await listAllRefs(session);
    if (isDone(before, facts, prefix)) {
      tell('Replaced');
      noteHead(context, before, facts);
      return safetyCopyOf(session, namesBelow(before.refs, prefix), prefix);
    }
    checkRefs(withoutSafetyRefs(before), facts);
    const scratch = await makeScratch(context, 'exchange');
    try {
      const place = join(scratch.path, 'exchange.git');
      const known = await knownBeside(context, session, before);
      await bringTogether(context, session, place, { ...exchange, before, known });
      await nameForPush(session, place, keepsBeside ? undefined : beside);
      const ended = await push(session, place, prefix);
      const after = await stateAfter(context, session, tell);
      const own = withoutSafetyRefs(before).refs.filter(isPushable);
      if (isDone(after, facts, prefix) || wasTaken({ ended, after, facts, own, prefix })) {
        tell('Replaced');
        noteHead(context, after, facts);
        noteLeft(context, namesBelow(after.refs, beside), beside);
        return safetyCopyOf(
          session,
          own.map(({ name }) => `${prefix}${name.replace(/^refs\//, '')}`),
          prefix,
        );
      }
      const words = refusal(ended);
      context.log.warn('the server did not take the push', { words, attempt });
      if (namesBelow(after.refs, prefix).length > 0)
        throw await undone(context, session, { place, before, words, tell });
      if (attempt < maxAttempts && isStale(words)) continue;
      if (!keepsBeside && namesBelow(before.refs, beside).length > 0) {
        // It may be that the server lets nobody delete refs: without what was sent beside there may have been none to delete.
        keepsBeside = true;
        continue;
      }
      throw refused(words);
    } finally {
      await scratch.remove();
    }
  }
};

const refused = (words: string): RunError =>
  new RunError(
    'ExchangeFailed',
    `The server did not take the push, and has all as before: ${words}. It must let the account force and delete every ref (protected branches, denyDeletes, denyNonFastForwards, hidden refs), if only for the restore.`,
  );

interface Undoing {
  readonly place: string;
  readonly before: Advertised;
  readonly words: string;
  readonly tell: (state: DestinationState) => void;
}

/**
 * A server that hides refs refuses those alone and carries out the rest, although it says that a push is whole: what it took is taken back.
 * Gives the failure to report.
 */
const undone = async (
  context: RestoreContext,
  session: GitSession,
  { place, before, words, tell }: Undoing,
): Promise<RunError> => {
  tell('Unavailable');
  const args = ['--porcelain', '--atomic', '--prune', '--force', '--no-verify', '--', 'destination'];
  const ended = await session.git(['-C', place, 'push', ...args, 'refs/before/*:refs/*'], { stdout: 'capture' });
  const after = await stateAfter(context, session, tell);
  if (!sameRefs(before.refs, after.refs)) {
    const detail = `The server carried out a part of the push (${words}), and did not take that back: ${refusal(ended)}. Each ref that was there has its second name below ${prefixOf(context.task.id)}.`;
    return new RunError('ExchangeFailed', detail);
  }
  tell('PutBack');
  return refused(words);
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

const isEqual = (advertised: Advertised, { refs }: Pick<GitFacts, 'refs'>): boolean =>
  sameRefs(withoutSafetyRefs(advertised).refs, refs);

/** All refs as restored, and something set aside: by this very restore. */
const isDone = (advertised: Advertised, facts: GitFacts, prefix: string): boolean =>
  isEqual(advertised, facts) && advertised.refs.some(({ name }) => name.startsWith(prefix));

const parentsOf = (name: string): string[] => {
  const parts = name.split('/');
  return parts.slice(1).map((_part, index) => parts.slice(0, index + 1).join('/'));
};

/**
 * What no single push can do, told before anything is touched.
 * @throws RunError DestinationUnsupported
 */
export const checkRefs = (present: Pick<Advertised, 'refs'>, facts: Pick<GitFacts, 'refs'>): void => {
  const fixed = (refs: readonly Ref[]): Ref[] => refs.filter((ref) => !isPushable(ref));
  const [before, now] = [fixed(facts.refs), fixed(present.refs)];
  const [other] = [...refsMissing(before, now), ...refsMissing(now, before)];
  if (other !== undefined) {
    const then = facts.refs.find(({ name }) => name === other.name)?.object;
    const how = then === undefined ? `git update-ref -d ${other.name}` : `git update-ref ${other.name} ${then}`;
    const detail = `${other.name} is not as in the backup, and git pushes no ref of two parts. Nothing was changed: set it at the server (${how}), where the object may have to be brought first.`;
    throw new RunError('DestinationUnsupported', detail);
  }
  const there = new Set(present.refs.map(({ name }) => name));
  const restored = new Set(facts.refs.map(({ name }) => name));
  const deleted = present.refs.map(({ name }) => name).filter((name) => !restored.has(name));
  const going = new Set(deleted);
  const around = new Map(deleted.flatMap((name) => parentsOf(name).map((parent) => [parent, name] as const)));
  for (const { name } of facts.refs) {
    if (there.has(name)) continue;
    const inTheWay = around.get(name) ?? parentsOf(name).find((parent) => going.has(parent));
    if (inTheWay === undefined) continue;
    const detail = `${inTheWay} stands in the way of ${name}, and no server exchanges the one for the other in one step. Nothing was changed: give ${inTheWay} another name at the server, and ask again.`;
    throw new RunError('DestinationUnsupported', detail);
  }
};

/** A HEAD that is detached cannot be pushed, nor commits that it alone leads to. @throws RunError DestinationUnsupported */
export const checkHead = async ({ git }: LocalGit, repository: string, { head }: GitFacts): Promise<void> => {
  const { object } = parseHead(head);
  if (object === undefined) return;
  const args = ['-C', repository, 'rev-list', '--max-count=1', object, '--not', '--glob=refs/*'];
  const ended = await git(args, { stdout: 'capture' });
  if (ended.exitCode !== 0) throw gitFailure('HEAD cannot be read', ended, 'BackupNotLoadable');
  if (ended.stdout.trim() === '') return;
  const detail = `HEAD of the backup is the commit ${object.slice(0, 12)}, which no branch leads to, and which cannot be pushed.`;
  throw new RunError('DestinationUnsupported', detail);
};

/**
 * Gives the present refs the names by which a push sets them aside, keeps those of other restores, and could take it all back.
 * @param dropped a prefix of refs that are not kept
 */
const nameForPush = async (session: GitSession, place: string, dropped: string | undefined): Promise<void> => {
  const copy = (...refspecs: readonly string[]): Promise<void> =>
    fetcherInto(session, place)('Refs cannot be copied', '.', ...refspecs);
  // A push moves refs/present/ as well: what would be taken back has a place of its own.
  await copy('+refs/present/*:refs/before/*');
  const but = dropped === undefined ? [] : [`^${dropped.replace(/^refs\//, 'refs/present/')}*`];
  // What other restores have set aside stays as it is.
  await copy('+refs/present/holdfast/*:refs/restored/holdfast/*', ...but);
  await copy('+refs/present/*:refs/aside/*', '^refs/present/holdfast/*');
};

const push = (session: GitSession, place: string, prefix: string): Promise<Ended> => {
  const options = ['--porcelain', '--atomic', '--prune', '--force-with-lease', '--no-verify'];
  const refspecs = ['refs/restored/*:refs/*', `refs/aside/*:${prefix}*`];
  return session.git(['-C', place, 'push', ...options, '--', 'destination', ...refspecs], {
    stdout: 'capture',
    tailLines: 60,
  });
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

/** HEAD of a server is none of a client's business: that it differs is told. */
const noteHead = ({ note }: RestoreContext, { head }: Advertised, facts: GitFacts): void => {
  const { target } = parseHead(facts.head);
  if (target === undefined || head.target === undefined || head.target === target) return;
  note({
    reason: 'NotCovered',
    message: `HEAD of the repository stands for ${head.target}, and stood for ${target} in the backup: a push cannot change that. Set the default branch at the server.`,
  });
};

/** Names of what was sent beside hinder nobody: no dump has them, and they are deleted with the safety copy. */
const noteLeft = ({ note }: RestoreContext, names: readonly string[], beside: string): void => {
  if (names.length === 0) return;
  const message = `The server lets ${names.length} refs below ${beside} not be deleted: they name what was restored, beside its own refs. Delete them at the server.`;
  note({ reason: 'LeftBehind', message });
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
