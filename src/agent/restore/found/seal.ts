import { rm } from 'node:fs/promises';
import { sha256OfFile } from '../../disk.ts';
import { setsUpTo } from '../../fetch/choose.ts';
import { sha256OfText } from '../../ship/archive.ts';
import type { Remote } from '../../ship/remote.ts';
import { manifestVolumes, parseSetFile } from '../../ship/set-files.ts';
import type { FoundChoice } from './choose.ts';
import type { FoundSet } from './listed.ts';

/** Name of the manifest of a set that is whole by its listing. */
export const manifestOf = ({ files }: FoundSet): string =>
  files.find(({ name }) => parseSetFile(name)?.part === 'manifest')?.name ?? '';

/** SHA-256 of the manifests, as they are stored, of all that a restore of the set reads; by their names. */
export const storedManifests = async (
  remote: Pick<Remote, 'fetch'>,
  choice: FoundChoice,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> => {
  const digests = new Map<string, string>();
  for (const name of setsUpTo(choice).map(manifestOf)) {
    const file = await remote.fetch(`${choice.chain.directory}/${name}`);
    digests.set(name, await sha256OfFile(file, signal));
    await rm(file, { force: true });
  }
  return digests;
};

/**
 * What pins a set that no ledger records to what was planned: the names and sizes of all files that a restore of it reads, and the manifests as
 * they are stored, which hold a hash of each volume. It takes no key. Pure.
 */
export const sealOf = (choice: FoundChoice, manifests: ReadonlyMap<string, string>): string =>
  sha256OfText(
    JSON.stringify([
      choice.chain.directory,
      ...setsUpTo(choice).map(({ setTime, files }) => [
        setTime,
        ...files.map(({ name, size }) => [name, size, manifests.get(name) ?? '']),
      ]),
    ]),
  );

/** What of the volumes of a set is not as its manifest, in the clear, says; undefined: they are all there by number. Pure. */
export const volumesProblem = ({ files }: FoundSet, manifest: string): string | undefined => {
  const listed = manifestVolumes(manifest);
  const there = files.flatMap(({ name }) => parseSetFile(name)?.volume ?? []);
  const missing = listed.find((volume) => !there.includes(volume));
  if (missing !== undefined) return `volume ${missing} of ${listed.length} is missing`;
  return there.length === listed.length
    ? undefined
    : `there are ${there.length} volumes, and its manifest lists ${listed.length}`;
};
