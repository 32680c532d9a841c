import { join } from 'node:path';
import { RunError } from '../../../../errors/run-error.ts';
import type { RestoreContext } from '../../../restore/engine.ts';
import { listAllRefs } from '../advertised.ts';
import { gitFailure } from '../reasons.ts';
import type { GitSession } from '../session.ts';
import { namesBelow } from './names.ts';
import { refusal } from './refusal.ts';
import { makeScratch } from './scratch.ts';

/**
 * Deletes all refs of a server that are below some prefixes. That there are none is no failure.
 * @throws RunError ExchangeFailed: the server keeps some
 */
export const deleteBelow = async (
  context: RestoreContext,
  session: GitSession,
  prefixes: readonly string[],
): Promise<void> => {
  const before = await listAllRefs(session);
  const own = prefixes.filter((prefix) => namesBelow(before.refs, prefix).length > 0);
  if (own.length === 0) return;
  const scratch = await makeScratch(context, 'discard');
  try {
    const place = join(scratch.path, 'empty.git');
    const format = before.refs[0]?.object.length === 64 ? 'sha256' : 'sha1';
    const made = await session.git(['init', '--quiet', '--bare', `--object-format=${format}`, place]);
    if (made.exitCode !== 0) throw gitFailure('A repository cannot be made', made);
    const refspecs = own.map((prefix) => `refs/none/*:${prefix}*`);
    const args = ['-C', place, 'push', '--porcelain', '--prune', '--', session.url, ...refspecs];
    const ended = await session.git(args, { stdout: 'capture' });
    const after = await listAllRefs(session);
    const left = own.flatMap((prefix) => namesBelow(after.refs, prefix));
    if (left.length > 0) {
      const detail = `The server did not delete ${left.length} refs below ${own.join(' and ')}: ${refusal(ended)}.`;
      throw new RunError('ExchangeFailed', detail);
    }
  } finally {
    await scratch.remove();
  }
};
