import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { sha256OfFile } from '../disk.ts';
import { sha256OfSignatures } from '../ship/archive.ts';
import { manifestVolumeHashes, parseSetFile } from '../ship/set-files.ts';
import { CheckFailed } from '../verify/report.ts';
import { type Choice, type FetchableSet, setsUpTo } from './choose.ts';
import { fetchFile, filesOf, openSetFile, readManifest } from './manifest.ts';
import type { FetchSession } from './session.ts';

const sha1OfFile = async (path: string, signal: AbortSignal): Promise<string> => {
  const hash = createHash('sha1');
  for await (const part of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(part as Buffer);
  return hash.digest('hex');
};

const damaged = (evidence: string): CheckFailed => new CheckFailed('readable', 'BackupDamaged', evidence);

const lookAtVolumes = async (session: FetchSession, choice: Choice, set: FetchableSet, manifest: string) => {
  const hashes = manifestVolumeHashes(manifest);
  for (const { name } of filesOf(set, 'volume')) {
    const expected = hashes.get(parseSetFile(name)?.volume ?? 0);
    if (expected === undefined) throw damaged(`${name} is not in its manifest`);
    const file = await fetchFile(session, choice, name);
    const found = await sha1OfFile(file, session.context.signal);
    await rm(file, { force: true });
    if (found !== expected) throw damaged(`${name} is not what was stored: its SHA-1 is not that of its manifest`);
  }
};

const lookAtSignatures = async (session: FetchSession, choice: Choice, set: FetchableSet) => {
  const { signal } = session.context;
  for (const { name } of filesOf(set, 'signatures')) {
    const file = await openSetFile(session, choice, name);
    const isPacked = choice.chain.encryption === 'none';
    const found = await (isPacked ? sha256OfSignatures(file, signal) : sha256OfFile(file, signal)).catch(
      (error: unknown) => {
        signal.throwIfAborted();
        throw damaged(`${name} cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`);
      },
    );
    await rm(file, { force: true });
    if (set.signaturesDigest !== undefined && found !== set.signaturesDigest)
      throw damaged(`${name} is not what was stored: it has another SHA-256`);
  }
};

/**
 * Looks at every file that a restore of the set reads, one by one, without duplicity: for when that failed, and its words may stand for a
 * damage or for something else. Returns when nothing is wrong with any of them.
 * @throws CheckFailed that names the file
 */
export const diagnose = async (session: FetchSession, choice: Choice): Promise<void> => {
  for (const set of setsUpTo(choice)) {
    session.context.log.info('every file of the set is looked at', { set: set.setTime });
    const manifest = await readManifest(session, choice, set);
    await lookAtVolumes(session, choice, set, manifest);
    await lookAtSignatures(session, choice, set);
  }
};
