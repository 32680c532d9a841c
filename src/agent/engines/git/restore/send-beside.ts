import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RestoreContext } from '../../../restore/engine.ts';
import { listAllRefs } from '../advertised.ts';
import { refsIn } from '../collect-facts.ts';
import type { GitFacts } from '../facts.ts';
import { gitFailure } from '../reasons.ts';
import { sameRefs, type Advertised } from '../refs.ts';
import type { GitSession } from '../session.ts';
import { isThere } from './exchange-path.ts';
import { besideOf, isPushable, namesBelow } from './names.ts';
import { refusal } from './refusal.ts';
import { fetchedOf } from './scratch.ts';
import { bringTogether, presentRefs } from './together.ts';

/** Where restored and present refs were brought together while everything ran. */
const besideIn = (context: RestoreContext): string => join(fetchedOf(context), 'git-beside');

/** Is there as soon as something may have been sent. */
const sentMark = (context: RestoreContext): string => join(besideIn(context), 'sent');

/** Whether names of this restore may be at the server: who has the volume of what was fetched knows by what was noted there. */
export const mayHaveSent = async (context: RestoreContext): Promise<boolean> =>
  !('fetched' in context.task) || isThere(sentMark(context));

/** Removes what was made on this machine. */
export const discardBesideIn = (context: RestoreContext): Promise<void> =>
  rm(besideIn(context), { recursive: true, force: true });

const repositoryIn = (context: RestoreContext): string => join(besideIn(context), 'beside.git');

export interface Sending {
  /** The bare repository that the backup was loaded into. */
  readonly repository: string;
  readonly facts: GitFacts;
  /** What the server lists. */
  readonly before: Advertised;
}

/**
 * Sends to a server what it lacks of the backup, while everything runs: the push that exchanges the refs has no object to send then. Also fetches
 * what only the server has. No ref of the repository is touched: what is sent has refs of its own, each named by its object. A
 * server that does not take them is no failure: that push sends what is missing.
 * @throws RunError ExchangeFailed: what is there cannot be fetched, so it could not be set aside
 */
export const sendBeside = async (
  context: RestoreContext,
  session: GitSession,
  { repository, facts, before }: Sending,
): Promise<void> => {
  const [place, prefix] = [repositoryIn(context), besideOf(context.task.id)];
  await discardBesideIn(context);
  await mkdir(besideIn(context), { recursive: true });
  // Of an earlier try that was killed.
  if (namesBelow(before.refs, prefix).length > 0) await writeFile(sentMark(context), '');
  await bringTogether(context, session, place, { repository, facts, before });
  const lacking = await tipsLacking(session, place);
  if (lacking.length === 0) return;
  await nameByObject(session, place, lacking);
  await writeFile(sentMark(context), '');
  const options = ['--porcelain', '--atomic', '--no-verify', '--', 'destination'];
  const ended = await session.git(['-C', place, 'push', ...options, `${sentRefs}*:${prefix}*`], { stdout: 'capture' });
  const names = new Set((await listAllRefs(session)).refs.map(({ name }) => name));
  if (lacking.every((object) => names.has(`${prefix}${object}`))) return;
  context.log.info('the server does not show what was sent beside', { words: refusal(ended) });
  await takeBack(context, session, place);
};

const sentRefs = 'refs/sent/';

/** The objects that restored refs name and that the server lacks, or may lack. */
const tipsLacking = async (session: GitSession, place: string): Promise<string[]> => {
  const restored = 'refs/restored/';
  const tips = new Set(
    (await refsIn(session, place)).flatMap(({ name, object }) => (name.startsWith(restored) ? [object] : [])),
  );
  const lacking: string[] = [];
  const line = (object: string): void => {
    if (tips.delete(object)) lacking.push(object);
  };
  const args = ['rev-list', '--objects', '--no-object-names', `--glob=${restored}*`, '--not', `--glob=${presentRefs}*`];
  const ended = await session.git(['-C', place, ...args], { stdout: { line } });
  if (ended.exitCode !== 0) throw gitFailure('The objects cannot be listed', ended);
  return lacking;
};

const nameByObject = async ({ git }: GitSession, place: string, objects: readonly string[]): Promise<void> => {
  const stdin = objects.map((object) => `create ${sentRefs}${object} ${object}\n`).join('');
  const ended = await git(['-C', place, 'update-ref', '--stdin'], { stdin });
  if (ended.exitCode !== 0) throw gitFailure('Refs cannot be made', ended);
};

/** A push deletes by the list that the server has for who pushes, which may have refs that it shows to nobody who fetches. */
const takeBack = async ({ task, log }: RestoreContext, { git }: GitSession, place: string): Promise<void> => {
  const prefix = besideOf(task.id);
  const args = ['-C', place, 'push', '--porcelain', '--prune', '--', 'destination', `refs/none/*:${prefix}*`];
  const ended = await git(args, { stdout: 'capture' });
  if (ended.exitCode !== 0) log.warn(`refs below ${prefix} may be left at the server`, { words: refusal(ended) });
};

/** The repository that was made beside, when the server still lists what it did then; undefined: it has to be asked for what it has. */
export const knownBeside = async (
  context: RestoreContext,
  session: GitSession,
  before: Advertised,
): Promise<string | undefined> => {
  const place = repositoryIn(context);
  const found = await refsIn(session, place).catch(() => []);
  context.signal.throwIfAborted();
  const present = found.flatMap(({ name, object }) =>
    name.startsWith(presentRefs) ? [{ name: `refs/${name.slice(presentRefs.length)}`, object }] : [],
  );
  return sameRefs(present, before.refs.filter(isPushable)) && present.length > 0 ? place : undefined;
};
