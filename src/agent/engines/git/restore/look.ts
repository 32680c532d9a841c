import { access, constants, lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RunError } from '../../../../errors/run-error.ts';
import { errorCode } from '../../../disk.ts';
import type { Found, RestoreContext } from '../../../restore/engine.ts';
import { plainText, shorten } from '../../../text.ts';
import { readFacts } from '../../../verify/read-facts.ts';
import { listRefs } from '../advertised.ts';
import { gitFacts, holdingOf, type GitFacts } from '../facts.ts';
import { reach } from '../reach.ts';
import { explain, gitFailure, wentWrong } from '../reasons.ts';
import { safetyRefs, type Advertised } from '../refs.ts';
import type { GitSession } from '../session.ts';
import { makeScratch } from './scratch.ts';

/** What a container's result has room for. */
const maxNames = 5;
const maxName = 80;

/** Looks at a repository in the place of which a backup is to come. */
export const lookInPlace = async (
  context: RestoreContext,
  session: GitSession,
  newest: string | undefined,
): Promise<Found> => {
  const facts = newest === undefined ? undefined : await readFacts(gitFacts, newest);
  const advertised = await refsThere(context, session);
  const found = advertised === undefined ? undefined : await lookInside(context, session, { advertised, facts });
  const missing = found?.missing ?? allOf(facts);
  return {
    server:
      session.address.by === 'path'
        ? 'a repository on a claim'
        : `a repository at ${session.address.host}`.slice(0, 64),
    present: advertised !== undefined,
    objects: advertised?.refs.length ?? 0,
    ...(found?.rows !== undefined && { rows: found.rows }),
    missing: missing.slice(0, maxNames).map((name) => shorten(plainText(name), maxName)),
    missingCount: missing.length,
    ...(facts && { expectedRows: holdingOf(facts).rows }),
  };
};

const allOf = (facts: GitFacts | undefined): string[] => (facts === undefined ? [] : holdingOf(facts).holding);

/** The refs that are there; undefined when there is no repository, and one can be put there. */
const refsThere = async (context: RestoreContext, session: GitSession): Promise<Advertised | undefined> => {
  const { address } = session;
  if (address.by === 'path') await checkPath(session.url, address.path);
  try {
    await reach(session, context.signal);
    return await listRefs(session);
  } catch (error) {
    if (!(error instanceof RunError) || error.reason !== 'SourceNotFound') throw error;
    if (address.by === 'path') return undefined;
    const detail = `${error.detail.replace(/\.$/, '')}. A push cannot make a repository: make an empty one there by the server’s own means, and ask again.`;
    throw new RunError('DestinationUnsupported', detail, { cause: error });
  }
};

/**
 * Whether a repository on a claim can be exchanged: it is a bare one, or nothing.
 * @throws RunError DestinationUnsupported, PrivilegeMissing
 */
export const checkPath = async (mounted: string, path: string): Promise<void> => {
  const kind = await lstat(mounted).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (kind !== undefined && !kind.isDirectory())
    throw new RunError('DestinationUnsupported', `${path} on the claim is no directory.`);
  const tree = await lstat(join(mounted, '.git')).catch(() => undefined);
  if (tree !== undefined) {
    const detail = `${path} on the claim has a working tree, whose files a backup does not have: they would not fit to what is restored.`;
    throw new RunError('DestinationUnsupported', detail);
  }
  // A rename asks for the right to the directory around it.
  await access(dirname(mounted), constants.W_OK).catch((error: unknown) => {
    const code = errorCode(error);
    // Whoever only looks has it mounted read-only; a directory that is missing is made.
    if (code === 'EROFS' || code === 'ENOENT') return;
    const detail = `User 65532 may not write to the directory of ${path} on the claim (${code ?? 'unknown'}).`;
    throw new RunError('PrivilegeMissing', detail, { cause: error });
  });
};

interface Inside {
  readonly missing: readonly string[];
  readonly rows?: number;
}

/** Fetches what is there, to count it and to look for what the newest backup had. */
const lookInside = async (
  context: RestoreContext,
  session: GitSession,
  { advertised, facts }: { readonly advertised: Advertised; readonly facts: GitFacts | undefined },
): Promise<Inside> => {
  const scratch = await makeScratch(context, 'look');
  try {
    const mirror = join(scratch.path, 'mirror.git');
    const cloned = await session.git(['clone', '--quiet', '--mirror', '--no-local', '--', session.url, mirror]);
    if (wentWrong(cloned)) {
      const said = explain(cloned.stderr);
      if (said?.reason !== 'SourceDamaged') throw gitFailure('The repository cannot be fetched', cloned);
      return { missing: [`what is damaged (${said.words})`, ...missingRefs(facts, advertised)] };
    }
    await mayPush(session, mirror, context.task.id);
    const rows = await countObjects(session, mirror);
    const lost = facts === undefined ? [] : await lostHistory(session, mirror, { facts, advertised });
    return { missing: [...missingRefs(facts, advertised), ...lost], rows };
  } finally {
    await scratch.remove();
  }
};

const missingRefs = (facts: GitFacts | undefined, { refs }: Advertised): string[] => {
  const there = new Set(refs.map(({ name }) => name));
  return allOf(facts).filter((name) => !there.has(name));
};

const countObjects = async ({ git }: GitSession, repository: string): Promise<number> => {
  let count = 0;
  const args = ['rev-list', '--objects', '--no-object-names', `--exclude=${safetyRefs}*`, '--all'];
  const ended = await git(['-C', repository, ...args], { stdout: { line: () => (count += 1) } });
  if (ended.exitCode !== 0) throw gitFailure('The objects cannot be listed', ended);
  return count;
};

/** Branches and tags that were moved to where what they named is not in their history: as a forced push does. */
const lostHistory = async (
  { git }: GitSession,
  repository: string,
  { facts, advertised }: { readonly facts: GitFacts; readonly advertised: Advertised },
): Promise<string[]> => {
  const now = new Map(advertised.refs.map(({ name, object }) => [name, object]));
  const made = new Set(allOf(facts));
  const moved = facts.refs.flatMap(({ name, object }) => {
    const after = now.get(name);
    return !made.has(name) || after === undefined || after === object ? [] : [{ name, object, after }];
  });
  const lost: string[] = [];
  for (const { name, object, after } of moved) {
    const ended = await git(['-C', repository, 'merge-base', '--is-ancestor', object, after], { stderr: 'ignore' });
    if (ended.exitCode !== 0) lost.push(`${object.slice(0, 12)} of ${name}`);
  }
  return lost;
};

/** Whether the account may push at all; what the server does not allow in particular is known by its answer to the push itself. */
const mayPush = async (session: GitSession, repository: string, id: string): Promise<void> => {
  if (session.address.by === 'path') return;
  const made = await session.git(['-C', repository, 'hash-object', '-t', 'blob', '-w', '--stdin'], {
    stdin: 'probe\n',
    stdout: 'capture',
  });
  if (made.exitCode !== 0) throw gitFailure('An object cannot be made', made);
  const probe = `${made.stdout.trim()}:${safetyRefs}${id}/probe`;
  const ended = await session.git(['-C', repository, 'push', '--quiet', '--dry-run', '--', session.url, probe]);
  if (ended.exitCode === 0) return;
  const { reason, detail } = gitFailure('The account may not push there', ended, 'PrivilegeMissing');
  throw new RunError(['SourceNotFound', 'DumpTruncated'].includes(reason) ? 'PrivilegeMissing' : reason, detail);
};
