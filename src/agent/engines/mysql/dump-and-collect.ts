import { join } from 'node:path';
import type { DumpTask } from '../../../api/v1alpha1/task.ts';
import type { Dumped } from '../../dump/engine.ts';
import type { RunContext } from '../../run.ts';
import { collectFacts } from './collect-facts.ts';
import { serverMessage, type NetworkAccount } from './connect.ts';
import { dumpChangingAccounts, missingDefiners } from './dump-accounts.ts';
import { holdingOf } from './facts.ts';
import type { Gap } from './gap.ts';
import { allowInvalidDates } from './invalid-dates.ts';
import { dumpFile } from './layout.ts';
import type { Seen } from './look-around.ts';
import { noteGaps } from './notes.ts';
import { writeOptions } from './prepare.ts';
import { judgeDump, startDump, type RunningDump } from './run-dump.ts';
import { serverName } from './server.ts';
import { openSharedSnapshot, openStillSnapshot, type SharedSnapshot } from './snapshot.ts';
import { writeFacts, type Collected } from './write-facts.ts';

/** The longest that writers are kept waiting for the dump's snapshot. */
const longestLockMs = 30_000;

export interface DumpInput {
  readonly account: NetworkAccount;
  readonly directory: string;
  readonly seen: Seen;
}

/** Dumps into the directory, and takes the facts of the same snapshot. */
export const dumpAndCollect = async (
  context: RunContext<DumpTask>,
  { account, directory, seen }: DumpInput,
): Promise<Omit<Dumped, 'notCovered'> & { readonly gaps: readonly Gap[] }> => {
  const options = await writeOptions(context, account);
  try {
    const snapshot = await openSnapshot(context, { account, mayLock: seen.mayLock });
    // The clock before the dump's snapshot, and after the lock: the state is not older than this says.
    const dataTime = context.now();
    const collected = await dumpInto(context, { seen, snapshot, optionFile: options.file, directory });
    const keepsDates = await allowInvalidDates(join(directory, dumpFile));
    const facts = {
      ...collected,
      gaps: collected.gaps.filter(({ kind }) => kind !== 'ImpossibleDates' || !keepsDates),
    };
    const { accounts: before, objects } = seen;
    const accounts =
      before === undefined
        ? undefined
        : await dumpChangingAccounts(context, { account, optionFile: options.file, directory, before, objects });
    const gaps = [...facts.gaps, ...missingDefiners(seen.definers, accounts)];
    const written = await context.step('Facts', () =>
      writeFacts(context, { account, directory, dataTime, facts, accounts, seen, gaps: [...seen.gaps, ...gaps] }),
    );
    noteGaps(context, written);
    return {
      dataTime,
      factsKnown: written.unknown === undefined,
      server: serverName(seen.profile),
      ...holdingOf(written),
      ...('still' in snapshot && { quiesced: 'ReadOnly' as const }),
      gaps,
    };
  } finally {
    await options.remove();
  }
};

type Snapshot = SharedSnapshot | { readonly unknown: string };

const openSnapshot = async (
  context: RunContext<DumpTask>,
  { account, mayLock }: { readonly account: NetworkAccount; readonly mayLock: boolean },
): Promise<Snapshot> => {
  if (context.task.quiesce?.by === 'ReadOnly')
    return context.step('Quiesce', () => openStillSnapshot(account, context));
  return mayLock ? openSharedSnapshot(account, context) : { unknown: `the account "${account.username}" lacks RELOAD` };
};

interface RunningInput {
  readonly seen: Pick<Seen, 'databases' | 'profile'>;
  readonly snapshot: Snapshot;
  readonly optionFile: string;
  readonly directory: string;
}

const dumpInto = async (
  context: RunContext,
  { seen: { databases, profile }, snapshot, optionFile, directory }: RunningInput,
): Promise<Collected> => {
  const dump = await startDump(context, {
    optionFile,
    databases,
    options: profile.dumpOptions,
    file: join(directory, dumpFile),
  });
  try {
    const [ended, facts] = await Promise.all([
      dump.ended.then((end) => {
        judgeDump(end);
        return end;
      }),
      'unknown' in snapshot ? { ...snapshot, gaps: [] } : factsOf(context, databases, snapshot, dump),
    ]);
    if ('still' in snapshot) {
      await context.step('Quiesce', async () => snapshot.still?.confirm());
      snapshot.release();
    }
    context.log.info('mariadb-dump ended', { exitCode: ended.exitCode });
    return facts;
  } finally {
    if ('release' in snapshot) {
      snapshot.release();
      snapshot.connection.destroy();
    }
    // Nothing that still writes may outlive its directory.
    await dump.ended.catch(() => undefined);
  }
};

const factsOf = async (
  context: RunContext,
  databases: readonly string[],
  snapshot: SharedSnapshot,
  dump: RunningDump,
): Promise<Collected> => {
  const { signal, log } = context;
  try {
    // A server that stands still until both are done shows one state to all, whenever they open their snapshots.
    if (snapshot.still !== undefined) {
      return await collectFacts(snapshot.connection, databases, { signal, log, still: true });
    }
    const shared = await dump.snapshotOpened(longestLockMs);
    snapshot.release();
    if (!shared) return { unknown: `the dump did not open its snapshot within ${longestLockMs / 1000} s`, gaps: [] };
    return await collectFacts(snapshot.connection, databases, context);
  } catch (error) {
    context.signal.throwIfAborted();
    context.log.warn('the facts could not be taken', { error });
    return { unknown: `they could not be taken: ${serverMessage(error)}`, gaps: [] };
  } finally {
    if (snapshot.still === undefined) snapshot.release();
  }
};
