import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runContainer, type Surroundings } from '../../../src/agent/container.ts';
import { sha256OfFile } from '../../../src/agent/disk.ts';
import { factsFile } from '../../../src/agent/layout.ts';
import { checkWith } from '../../../src/agent/restore/check.ts';
import { discardWith } from '../../../src/agent/restore/discard.ts';
import type { PutBackEngine, RestoreContext, RestoreEngine, RestoreOrder } from '../../../src/agent/restore/engine.ts';
import { inspectWith } from '../../../src/agent/restore/inspect.ts';
import { loadWith } from '../../../src/agent/restore/load.ts';
import type { RestorerFor } from '../../../src/agent/restore/restorer.ts';
import { swapWith } from '../../../src/agent/restore/swap.ts';
import type { Compared } from '../../../src/agent/verify/engine.ts';
import {
  anyCheckTask,
  anyLoadTask,
  anySwapTask,
  discardTask,
  inspectTask,
  type DestinationTask,
} from '../../../src/api/v1alpha1/task.ts';
import { RunError } from '../../../src/errors/run-error.ts';
import { filesFacts } from './files-verifier.ts';

// The containers of a restore with an engine of the tests' own, whose server is a directory: a database is a directory in it, and it
// really loads, renames and removes. RESTORE_FAULT says what goes wrong, or at which point it stops to be killed.

const fault = process.env['RESTORE_FAULT'] ?? '';

const exists = async (path: string): Promise<boolean> =>
  readdir(path).then(
    () => true,
    () => false,
  );

const factsOf = async (directory: string) => {
  try {
    return filesFacts.parse(JSON.parse(await readFile(join(directory, factsFile), 'utf8')));
  } catch (error) {
    throw new RunError('BackupDamaged', `facts.json cannot be read: ${String(error)}.`);
  }
};

const compareWith = async (place: string, directory: string, signal: AbortSignal): Promise<Compared> => {
  const facts = await factsOf(directory);
  const there = await readdir(place);
  const mismatches: string[] = [];
  for (const name of new Set([...Object.keys(facts.files), ...there].toSorted())) {
    if (facts.files[name] === undefined) mismatches.push(`file ${name}: not recorded`);
    else if (!there.includes(name)) mismatches.push(`file ${name}: missing`);
    else if ((await sha256OfFile(join(place, name), signal)) !== facts.files[name])
      mismatches.push(`file ${name}: another digest`);
  }
  const objects = Object.keys(facts.files).length;
  return { objects, rows: objects * 10, mismatches, notWitnessed: facts.unknown };
};

/** Says that it came to a point, and stays there when that is the fault. */
const point = async ({ log, signal }: RestoreContext, name: string): Promise<void> => {
  log.info(`reached ${name}`);
  if (fault === `pause at ${name}`) await sleep(2000, undefined, { signal });
  if (fault === `stop at ${name}`) await sleep(300_000, undefined, { signal });
};

const present = 'app';

/** The names that a restore uses in a server; by them a test knows what is left. */
export const namesOf = (id: string) => ({
  loaded: `holdfast_${id}_new_${present}`,
  aside: `holdfast_${id}_old_${present}`,
  journal: `journal_${id}`,
  made: `made_${id}`,
});

const createDirectoryRestorer = (server: string, { into, id }: RestoreOrder<unknown>): RestoreEngine => {
  const names = namesOf(id);
  const at = (name: string): string => join(server, name);
  const loaded = into.by === 'InPlace' ? names.loaded : into.by === 'Name' ? into.name : present;
  const putBack = async (of: string): Promise<void> => {
    const { aside, journal } = namesOf(of);
    if (await exists(at(aside))) {
      await rm(at(present), { recursive: true, force: true });
      await rename(at(aside), at(present));
    }
    await rm(at(journal), { recursive: true, force: true });
  };
  const discardLoaded = async (context: RestoreContext): Promise<void> => {
    if (fault === 'discarding hangs') await new Promise(() => setTimeout(() => undefined, 300_000));
    if (fault === 'discarding fails') throw new RunError('SourceUnreachable', 'The server does not answer.');
    context.signal.throwIfAborted();
    const isOurs = into.by === 'InPlace' || fault === 'it removes by name' || (await exists(at(names.made)));
    if (!isOurs) return;
    await rm(at(loaded), { recursive: true, force: true });
    await rm(at(names.made), { recursive: true, force: true });
  };
  const engine: RestoreEngine = {
    async look(_context, newest) {
      if (fault === 'no server') throw new RunError('SourceUnreachable', 'The server does not answer.');
      if (into.by !== 'InPlace' && (await exists(at(loaded))))
        throw new RunError('DestinationNotEmpty', `There is a database ${loaded}.`);
      const there: string[] = await readdir(at(present)).catch(() => []);
      const files = newest === undefined ? [] : Object.keys((await factsOf(newest)).files);
      const missing = files.filter((name) => !there.includes(name));
      return {
        server: 'files 1.2',
        present: await exists(at(present)),
        objects: there.length,
        rows: there.length * 10,
        missing,
        missingCount: missing.length,
        ...(newest !== undefined && { expectedRows: files.length * 10 }),
      };
    },
    async recover(context) {
      if (fault === 'no server') throw new RunError('SourceUnreachable', 'The server does not answer.');
      const open = (await readdir(server)).flatMap((name) => /^journal_(.*)$/.exec(name)?.[1] ?? []);
      for (const each of open) await putBack(each);
      await point(context, 'recover');
      await rm(at(names.loaded), { recursive: true, force: true });
      return open.length === 0 ? undefined : `What restore ${open.join()} had set aside was put back.`;
    },
    async load(context, directory) {
      if (await exists(at(loaded))) throw new RunError('DestinationNotEmpty', `There is a database ${loaded}.`);
      if (into.by !== 'InPlace') await mkdir(at(names.made));
      await mkdir(at(loaded));
      for (const [index, name] of (await readdir(join(directory, 'data'))).entries()) {
        if (index === 1) await point(context, 'half of the load');
        await cp(join(directory, 'data', name), join(at(loaded), name));
      }
      if (fault === 'it refuses') throw new RunError('BackupNotLoadable', 'The server said: no.');
      if (fault === 'a byte' || fault.startsWith('discarding'))
        await writeFile(join(at(loaded), 'a'), 'another content');
      await point(context, 'the end of the load');
    },
    async compare(context, directory) {
      await point(context, 'compare');
      return compareWith(at(loaded), directory, context.signal);
    },
    async swap(context, _directory, tell) {
      if (fault === 'it is not supported') throw new RunError('DestinationUnsupported', 'It holds a queue.');
      if (fault === 'it says nothing') return { kind: 'None', names: [], count: 0 };
      await point(context, 'swap');
      try {
        tell('Unavailable');
      } catch (error) {
        context.signal.throwIfAborted();
        throw new RunError('ExchangeFailed', 'Nothing was changed.', { cause: error });
      }
      try {
        await mkdir(at(names.journal));
        await point(context, 'the journal');
        const first = !(await exists(at(names.aside)));
        if (first && (await exists(at(present)))) await rename(at(present), at(names.aside));
        else await rm(at(present), { recursive: true, force: true });
        await point(context, 'the present aside');
        if (fault.startsWith('the exchange fails')) throw new RunError('ExchangeFailed', 'The server said: no.');
        await rename(at(loaded), at(present));
        await point(context, 'the restored in place');
        await rm(at(names.journal), { recursive: true });
      } catch (error) {
        if (fault === 'the exchange fails for good') throw error;
        await putBack(id);
        tell('PutBack');
        throw error;
      }
      if (fault === 'a byte in place') await writeFile(join(at(present), 'a'), 'another content');
      tell('Replaced');
      await point(context, 'the end of the swap');
      return { kind: 'Directory', names: [names.aside], count: 1, howToUse: 'Rename it.' };
    },
    async check(context, directory) {
      if (fault === 'no server') throw new RunError('SourceUnreachable', 'The server does not answer.');
      return compareWith(at(present), directory, context.signal);
    },
    discardLoaded,
    async discardSafetyCopy() {
      await rm(at(names.aside), { recursive: true, force: true });
    },
  };
  if (fault === 'it puts nothing back') return engine;
  return { ...engine, puttingBack: (from) => putBackBy(engine, at(namesOf(from.id).aside)) };
};

/** Puts back what is in a directory of the server: it is copied like a backup. */
const putBackBy = (engine: RestoreEngine, aside: string): PutBackEngine => {
  const filesIn = (): Promise<string[]> =>
    readdir(aside).catch(() => {
      throw new RunError('SafetyCopyUnavailable', `There is no ${basename(aside)}.`);
    });
  const { compare, swap, check } = engine;
  return {
    compare,
    swap,
    check,
    async look(context, newest) {
      const { length } = await filesIn();
      return { found: await engine.look(context, newest), copy: { objects: length, rows: length * 10 } };
    },
    async load(context, directory) {
      const digests = (await filesIn()).map(
        async (name) => [name, await sha256OfFile(join(aside, name), context.signal)] as const,
      );
      const files = Object.fromEntries(await Promise.all(digests));
      const unknown = fault === 'not all is known' ? ['file x'] : [];
      await writeFile(join(directory, factsFile), JSON.stringify({ server: 'files 1.2', files, unknown }));
      await cp(aside, join(directory, 'data'), { recursive: true });
      await engine.load(context, directory);
    },
  };
};

const run = (name: string | undefined, surroundings: Surroundings): Promise<number> => {
  const server = process.env['RESTORE_SERVER'] ?? '';
  const restorerFor: RestorerFor = ({ target, into, id }: DestinationTask) =>
    createDirectoryRestorer(server, { target, into, id });
  switch (name) {
    case 'inspect':
      return runContainer({ name, task: inspectTask, work: inspectWith(restorerFor) }, surroundings);
    case 'load':
      return runContainer({ name, task: anyLoadTask, work: loadWith(restorerFor) }, surroundings);
    case 'swap':
      return runContainer({ name, task: anySwapTask, work: swapWith(restorerFor) }, surroundings);
    case 'check':
      return runContainer({ name, task: anyCheckTask, work: checkWith(restorerFor) }, surroundings);
    default:
      return runContainer({ name: 'discard', task: discardTask, work: discardWith(restorerFor) }, surroundings);
  }
};

if (process.argv[1] === import.meta.filename)
  process.exit(
    await run(process.argv[2], {
      env: process.env,
      now: () => new Date(),
      onTerminate: (stop) => process.on('SIGTERM', stop),
    }),
  );
