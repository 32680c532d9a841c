import { readFile, rename } from 'node:fs/promises';
import { chain, localCopyPoint, setPoint, type SetPoint, type Subject } from '../api/v1alpha1/recovery-points.ts';
import type { Result } from '../api/v1alpha1/result.ts';
import { errorCode, replaceFile } from './disk.ts';
import type { ExecScope } from './exec.ts';
import type { ClaimLayout } from './layout.ts';
import { emptyLedger, ledger as ledgerSchema, type Ledger } from './ledger.ts';
import { acquireLock } from './lock.ts';
import { copiesReport, recoveryReport } from './recovery.ts';
import { timestamp } from '../base/times.ts';

/** The ledger is held locked for milliseconds; who waits longer than this waits for something broken. */
const lockTimeoutSeconds = 10;

export interface LedgerStore {
  /** What the ledger says now; empty when it is missing or damaged. A damaged file is kept aside at the next update. */
  read(): Promise<Ledger>;
  /** Reads, changes and writes the ledger under its lock; gives back what was written. */
  update(change: (ledger: Ledger) => Ledger): Promise<Ledger>;
}

export const createLedgerStore = (scope: ExecScope, layout: ClaimLayout, now: () => Date): LedgerStore => {
  const load = async (): Promise<{ ledger: Ledger; damaged: boolean }> => {
    try {
      return { ledger: ledgerSchema.parse(JSON.parse(await readFile(layout.ledger, 'utf8'))), damaged: false };
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return { ledger: emptyLedger(), damaged: false };
      if (errorCode(error) !== undefined) throw error;
      scope.log.warn('the ledger on the claim is damaged: begun anew, the file is kept aside', { error });
      return { ledger: emptyLedger(), damaged: true };
    }
  };
  return {
    read: async () => (await load()).ledger,
    async update(change) {
      const lock = await acquireLock(scope, layout.ledgerLock, { what: 'ledger', timeoutSeconds: lockTimeoutSeconds });
      try {
        const { ledger, damaged } = await load();
        if (damaged) await rename(layout.ledger, `${layout.ledger}.damaged-${timestamp(now())}`);
        const changed = ledgerSchema.parse(change(ledger));
        await replaceFile(layout.ledger, `${JSON.stringify(changed)}\n`);
        return changed;
      } finally {
        await lock.release();
      }
    },
  };
};

/**
 * The newest of each kind, as results report it: of what is stored, only what lies where the policy stores it now, and is opened by what opens
 * it now.
 */
export const newest = (
  { copies, chains: all }: Ledger,
  { repository }: Pick<Subject, 'repository'>,
): Result['newest'] => {
  const chains = all.filter(({ place }) => place === repository);
  const sets = chains.flatMap((each) => each.sets);
  const localCopy = latest(copies, (copy) => copy.dataTime);
  const full = newestSet(sets.filter((set) => set.type === 'Full'));
  const incremental = newestSet(sets.filter((set) => set.type === 'Incremental'));
  const newestChain = latest(
    chains.filter((each) => each.sets.length > 0),
    (each) => each.sets[0]?.setTime ?? '',
  );
  const fullTime = newestChain?.sets[0]?.setTime;
  return {
    ...(localCopy && { localCopy: localCopyPoint.parse(localCopy) }),
    ...(full && { full }),
    ...(incremental && { incremental }),
    ...(newestChain &&
      fullTime !== undefined && {
        chain: chain.parse({
          fullTime,
          incrementals: newestChain.sets.length - 1,
          intact: newestChain.problem === undefined,
          checkedTime: newestChain.checkedTime,
          ...(newestChain.problem !== undefined && { problem: newestChain.problem.slice(0, 256).toWellFormed() }),
        }),
      }),
    ...(copies.length > 0 && { copies: copiesReport({ copies }) }),
    ...(newestChain && { recovery: recoveryReport(chains, newestChain.checkedTime) }),
  };
};

const newestSet = (sets: readonly SetPoint[]): SetPoint | undefined => {
  const set = latest(sets, ({ setTime }) => setTime);
  return set && setPoint.parse(set);
};

/** The element with the latest time; of several the last. */
const latest = <T>(all: readonly T[], timeOf: (each: T) => string): T | undefined =>
  all.reduce<T | undefined>(
    (best, each) => (best === undefined || Date.parse(timeOf(each)) >= Date.parse(timeOf(best)) ? each : best),
    undefined,
  );
