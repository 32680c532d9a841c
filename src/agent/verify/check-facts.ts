import { join } from 'node:path';
import { sha256OfFile } from '../disk.ts';
import type { FetchedSet } from '../fetch/handover.ts';
import { factsFile } from '../layout.ts';
import type { RunContext } from '../run.ts';
import { CheckFailed } from './report.ts';

/** Facts that are not those that were recorded are no witness. @throws CheckFailed BackupDamaged */
export const checkFacts = async (
  { signal }: Pick<RunContext, 'signal'>,
  { set, directory }: Pick<FetchedSet, 'set' | 'directory'>,
): Promise<void> => {
  if (set.factsDigest === undefined) return;
  const digest = await sha256OfFile(join(directory, factsFile), signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new CheckFailed('complete', 'BackupDamaged', `${factsFile} cannot be read: ${String(error)}`);
  });
  if (digest !== set.factsDigest)
    throw new CheckFailed('complete', 'BackupDamaged', `${factsFile} has another SHA-256 than recorded`);
};
