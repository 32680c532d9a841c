import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256OfText } from '../ship/archive.ts';
import { parseSetFile } from '../ship/set-files.ts';
import { RunError } from '../../errors/run-error.ts';
import { CheckFailed } from '../verify/report.ts';
import type { Choice, FetchableSet } from './choose.ts';
import { openFile, type Keys, type Opened } from './keys.ts';
import type { FetchSession } from './session.ts';

/** Where a set is, for messages. */
export const whereOf = ({ chain, set }: Choice): string => `${chain.directory}, set of ${set.setTime}`;

/** The recorded files of a set that are one part of it. The ledger lies on a claim that others may write to: no other names are asked for. */
export const filesOf = (
  set: FetchableSet,
  part: 'manifest' | 'signatures' | 'volume',
): { name: string; size: number }[] => set.files.filter(({ name }) => parseSetFile(name)?.part === part);

/**
 * Brings a file of the chain into the scratch space.
 * @throws CheckFailed when it is not there any more; whatever the way there fails with
 */
export const fetchFile = async ({ remote }: FetchSession, choice: Choice, name: string): Promise<string> => {
  try {
    return await remote.fetch(`${choice.chain.directory}/${name}`);
  } catch (error) {
    if (!(error instanceof RunError) || error.reason !== 'RepositoryIncomplete') throw error;
    throw new CheckFailed('complete', 'BackupDamaged', `${name} is missing`, { cause: error });
  }
};

const encryptionWords = (identity: string): string =>
  identity.startsWith('gpg:') ? `to the key ${identity.slice(4)}` : 'with a passphrase';

/** Whether the keys that are there are those that the chain was encrypted for, as far as that can be known without trying. */
const holdsKey = ({ fingerprints }: Keys, encryption: string): boolean =>
  fingerprints.some((fingerprint) => encryption === `gpg:${fingerprint}`);

/** A passphrase that opens nothing at all is the wrong one; one that opens anything else of the chain is right, and this file is damaged. */
const opensAnother = async (session: FetchSession, choice: Choice, but: string): Promise<boolean> => {
  const files = choice.chain.sets
    .flatMap((set) => [...filesOf(set, 'manifest'), ...filesOf(set, 'signatures'), ...filesOf(set, 'volume')])
    .filter(({ name }) => name !== but)
    .toSorted((a, b) => a.size - b.size);
  for (const { name } of files) {
    const file = await fetchFile(session, choice, name);
    const { opened } = await openFile(session.context, session.keys, file, '/dev/null');
    await rm(file, { force: true });
    if (opened === 'Opened') return true;
  }
  return false;
};

/** Whether a file that does not open is damaged, or the key is the wrong one. */
const judgeUnopened = async (
  session: FetchSession,
  choice: Choice,
  name: string,
  { opened, words }: { readonly opened: Opened; readonly words: string },
): Promise<CheckFailed> => {
  const { keys } = session;
  const { encryption } = choice.chain;
  const wrong = (evidence: string): CheckFailed => new CheckFailed('readable', 'KeyDoesNotOpen', evidence);
  const damaged = new CheckFailed(
    'readable',
    'BackupDamaged',
    `${name} cannot be decrypted, although the key is the right one (${words})`,
  );
  if (keys.method === 'gpg') {
    if (opened === 'WrongPassphrase')
      return wrong(`The passphrase in Secret ${keys.secret} does not unlock its private key`);
    if (opened === 'NoKey' && choice.unrecorded !== undefined)
      return wrong(`It is encrypted to another key than the private one in Secret ${keys.secret}`);
    if (holdsKey(keys, encryption)) return damaged;
    return wrong(
      `The set is encrypted ${encryptionWords(encryption)}; Secret ${keys.secret} has not its private half (${keys.fingerprints.join(', ')})`,
    );
  }
  if (await opensAnother(session, choice, name)) return damaged;
  return wrong(`The passphrase in Secret ${keys.secret} does not open ${name}`);
};

/** Makes sure that what the policy gives can open the chain at all. @throws CheckFailed KeyDoesNotOpen */
export const checkMethod = ({ keys }: FetchSession, { chain: { encryption } }: Choice): void => {
  const method = encryption.startsWith('gpg:') ? 'gpg' : encryption;
  if (method === 'none' || method === keys.method) return;
  throw new CheckFailed(
    'readable',
    'KeyDoesNotOpen',
    `The set is encrypted ${encryptionWords(encryption)}, and the policy gives ${keys.method === 'none' ? 'no key' : `a ${keys.method === 'gpg' ? 'private key' : 'passphrase'}`} now`,
  );
};

/**
 * A file of a set in the clear, by a path in the scratch space; signatures that are not encrypted stay packed.
 * @throws CheckFailed readable or complete: KeyDoesNotOpen, BackupDamaged
 */
export const openSetFile = async (session: FetchSession, choice: Choice, name: string): Promise<string> =>
  openFetched(session, choice, { name, file: await fetchFile(session, choice, name) });

/** Likewise of a file that was fetched, which goes. @throws CheckFailed readable: KeyDoesNotOpen, BackupDamaged */
export const openFetched = async (
  session: FetchSession,
  choice: Choice,
  { name, file }: { readonly name: string; readonly file: string },
): Promise<string> => {
  if (choice.chain.encryption === 'none') return file;
  const plain = join(session.scratch, 'opened');
  await rm(plain, { force: true });
  const result = await openFile(session.context, session.keys, file, plain);
  await rm(file, { force: true });
  if (result.opened !== 'Opened') throw await judgeUnopened(session, choice, name, result);
  return plain;
};

/**
 * The manifest of a set, fetched and decrypted, when it is the very one that was recorded.
 * @throws CheckFailed
 */
export const readManifest = async (session: FetchSession, choice: Choice, set = choice.set): Promise<string> => {
  const [manifest] = filesOf(set, 'manifest');
  if (manifest === undefined) throw new CheckFailed('complete', 'BackupDamaged', 'The ledger knows of no manifest');
  const file = await openSetFile(session, choice, manifest.name);
  const content = await readFile(file);
  await rm(file, { force: true });
  if (sha256OfText(content) !== set.setDigest)
    throw new CheckFailed(
      'complete',
      'BackupDamaged',
      `${manifest.name} is not the manifest that was recorded: it has another SHA-256`,
    );
  return content.toString('utf8');
};
