import { mkdir, readFile, rename, rm, utimes } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DumpTask } from '../../api/v1alpha1/task.ts';
import { RunError } from '../../errors/run-error.ts';
import { flush } from '../disk.ts';
import { compactTime, factsFile } from '../layout.ts';
import type { LedgerCopy } from '../ledger.ts';
import type { RunContext } from '../run.ts';
import { plainText, shorten } from '../text.ts';
import { secondsBetween, timestamp } from '../../base/times.ts';
import { describeFiles, flushAll, writeManifest } from './copy-files.ts';
import { compareCopy, fitHolding } from './compare-copy.ts';
import type { Dumped, Engine } from './engine.ts';
import { waitForGate } from './gate.ts';
import { byDataTime, partialSuffix } from './tidy.ts';
import { dumpInWindow } from './window.ts';

/**
 * Makes a local copy: dumped into a directory with the suffix `.partial`, checked, flushed, renamed, then entered into the ledger. To be
 * called under the dump lock. On any failure the partial directory is removed.
 */
export const makeCopy = async (context: RunContext<DumpTask>, engine: Engine): Promise<LedgerCopy> => {
  const { layout, ledger, now, signal } = context;
  // Copies are named by the second of their data: each has one of its own.
  const taken = (await ledger.read()).copies.map(({ name }) => name);
  if (taken.includes(compactTime(now()))) await sleep(1000 - (now().getTime() % 1000), undefined, { signal });
  const partial = join(layout.copies, `${compactTime(now())}${partialSuffix}`);
  const began = now();
  try {
    await mkdir(partial);
    const {
      dataTime,
      factsKnown,
      notCovered = [],
      rows,
      holding,
      server,
      quiesced,
    } = await dumpQuiesced(context, engine, partial);
    const { quiesce } = context.task;
    if (quiesce !== undefined && quiesced !== quiesce.by) {
      throw new RunError('InternalError', `The source was to be kept still (${quiesce.by}), and was not.`);
    }
    return await context.step('Finish', async () => {
      const name = compactTime(dataTime);
      const files = await describeFiles(partial, signal);
      // duplicity takes a file whose mtime is of the second it had before for unchanged, whatever its size: the second of a copy is its own.
      for (const file of files) await utimes(join(partial, file.name), dataTime, dataTime);
      const names = fitHolding(holding);
      const described: LedgerCopy = {
        name,
        dataTime: timestamp(dataTime),
        completionTime: timestamp(now()),
        durationSeconds: secondsBetween(began, now()),
        sizeBytes: files.reduce((sum, { size }) => sum + size, 0),
        jobName: context.jobName,
        source: context.task.subject.source,
        ...(factsKnown && { factsDigest: await digestOf(join(partial, factsFile)) }),
        ...(notCovered.length > 0 && { notCovered: fitNotCovered(notCovered) }),
        ...(rows !== undefined && { rows }),
        ...(names !== undefined && { holding: names }),
        ...(quiesced !== undefined && { quiesced }),
        ...(server !== undefined && { server: shorten(plainText(server), maxServerLength) }),
        files,
      };
      const copy = { ...described, ...compareCopy(context, await ledger.read(), described) };
      await writeManifest(partial, copy);
      await flushAll(partial);
      signal.throwIfAborted();
      await rename(partial, join(layout.copies, name));
      await flush(layout.copies);
      await ledger.update((current) => ({
        ...current,
        copies: [
          // Names are compared with the copy before only, and may be many.
          ...current.copies.filter((other) => other.name !== name).map(withoutNames),
          copy,
        ].toSorted(byDataTime),
      }));
      return copy;
    });
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
};

const withoutNames = (copy: LedgerCopy): LedgerCopy => {
  const { holding: _holding, ...rest } = copy;
  return rest;
};

/** Dumps while the workloads are down, when that is asked for: the operator says so before, and again when the dump has ended. */
const dumpQuiesced = async (context: RunContext<DumpTask>, engine: Engine, directory: string): Promise<Dumped> => {
  const { quiesce } = context.task;
  if (quiesce?.by !== 'Workloads') return dumpInWindow(context, () => engine.dump(context, directory));
  const { gate: file, waitSeconds } = quiesce;
  const gate = await context.step('Quiesce', () => waitForGate(context, { file, waitSeconds }));
  // The window is for the dump: what is waited for before it is not part of it.
  const dumped = await dumpInWindow(context, () => engine.dump(context, directory));
  const ended = context.now();
  await context.step('Quiesce', () => gate.confirm(ended));
  return { ...dumped, quiesced: 'Workloads' };
};

/** What the schema has room for. */
const maxServerLength = 64;
const maxNotCovered = 4;
const maxNotCoveredLength = 160;

/** As many as status shows; the last place says how many more there are. */
export const fitNotCovered = (all: readonly string[]): string[] => {
  const shown = all.length > maxNotCovered ? all.slice(0, maxNotCovered - 1) : all;
  const more = all.length > shown.length ? [`and ${all.length - shown.length} more: see the log of the Job`] : [];
  return [...shown, ...more].map((each) => shorten(plainText(each), maxNotCoveredLength));
};

const digestOf = async (path: string): Promise<string> => {
  try {
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  } catch (error) {
    throw new RunError('DumpFailed', `The dump left no ${factsFile}.`, { cause: error });
  }
};
