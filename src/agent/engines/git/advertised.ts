import { open, rm } from 'node:fs/promises';
import { RunError } from '../../../errors/run-error.ts';
import { gitFailure, wentWrong } from './reasons.ts';
import { parseAdvertised, safetyRefs, withoutSafetyRefs, type Advertised } from './refs.ts';
import type { GitSession, LocalGit } from './session.ts';

/** The longest that a server may say nothing before it has listed its refs. */
const listingStalledSeconds = 20;

/** Asks a server for all of its refs. @throws RunError of the source */
export const listAllRefs = async ({ git, url }: GitSession): Promise<Advertised> => {
  const lines: string[] = [];
  const ended = await git(
    ['-c', `http.lowSpeedTime=${listingStalledSeconds}`, 'ls-remote', '--quiet', '--symref', '--', url],
    { stdout: { line: (line) => lines.push(line) } },
  );
  if (wentWrong(ended)) {
    const failure = gitFailure('The repository cannot be read', ended);
    // Nothing was to be fetched yet: whoever breaks off here does not answer.
    const broken = failure.reason === 'DumpTruncated' && ended.killedBy === undefined;
    throw broken ? new RunError('SourceUnreachable', failure.detail) : failure;
  }
  return parseAdvertised(lines);
};

/** The refs of the repository: without those that restores have set aside. */
export const listRefs = async (session: GitSession): Promise<Advertised> =>
  withoutSafetyRefs(await listAllRefs(session));

/**
 * Removes from a repository of our own what restores have set aside at the server it was fetched from.
 * @param list a file that is made and removed: names go from git to git as they are, whatever bytes they have
 */
export const dropSafetyRefs = async ({ git }: LocalGit, repository: string, list: string): Promise<void> => {
  const file = await open(list, 'wx+', 0o600);
  try {
    const args = ['-C', repository, 'for-each-ref', '--format=delete %(refname)', safetyRefs];
    const listed = await git(args, { stdout: { fd: file.fd } });
    if (listed.exitCode !== 0) throw gitFailure('The refs cannot be listed', listed);
  } finally {
    await file.close();
  }
  const commands = await open(list, 'r');
  try {
    const dropped = await git(['-C', repository, 'update-ref', '--stdin'], { stdin: { fd: commands.fd } });
    if (dropped.exitCode !== 0) throw gitFailure('Refs cannot be removed', dropped);
  } finally {
    await commands.close();
  }
  await rm(list);
};
