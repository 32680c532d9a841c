import { join } from 'node:path';

/** Where things lie on the claim of a policy. Every path is derived here, so that dump, ship and restore agree. */
export interface ClaimLayout {
  /** Local copies, a directory each, named by the data time: `20261122T010003Z`. A copy being made has the suffix `.partial`. */
  copies: string;
  /** What duplicity reads: hard links to one local copy. Its path never changes, since duplicity refuses another one (exit 42). */
  outgoing: string;
  /** duplicity's archive-dir: signatures and manifests in the clear, a directory a chain. */
  archive: string;
  /** What restores set aside before they replaced it, where it is not kept at the destination itself: a directory each, by the restore's ID. */
  safety: string;
  /** The ledger of what was made. */
  ledger: string;
  /** Held while a dump is written or local copies are pruned. */
  dumpLock: string;
  /** Held while anything touches the repository, `outgoing` or `archive`. */
  repositoryLock: string;
  /** Held for the moment in which the ledger is read, changed and written. */
  ledgerLock: string;
}

export const claimLayout = (claim: string): ClaimLayout => ({
  copies: join(claim, 'copies'),
  outgoing: join(claim, 'outgoing'),
  archive: join(claim, 'archive'),
  safety: join(claim, 'safety'),
  ledger: join(claim, 'ledger.json'),
  dumpLock: join(claim, 'locks', 'dump'),
  repositoryLock: join(claim, 'locks', 'repository'),
  ledgerLock: join(claim, 'locks', 'ledger'),
});

/** A time as directory and set names have it: `20261122T010003Z`. */
export const compactTime = (time: Date): string => time.toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '');

/** The directory of a chain below the directory of the policy in the repository. Each chain has its own: a killed full cannot spoil
 * another chain, and a chain is removed whole. */
export const chainDirectory = (fullStart: Date): string => `chain-${compactTime(fullStart)}`;

/** The names in a local copy that every engine shares. */
export const factsFile = 'facts.json';
