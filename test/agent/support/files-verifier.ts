import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { runContainer } from '../../../src/agent/container.ts';
import { sha256OfFile } from '../../../src/agent/disk.ts';
import { factsFile } from '../../../src/agent/layout.ts';
import type { VerifyEngine } from '../../../src/agent/verify/engine.ts';
import { showWith } from '../../../src/agent/restore/show.ts';
import { verifyWith } from '../../../src/agent/verify/verify.ts';
import { showTask, verifyTask } from '../../../src/api/v1alpha1/task.ts';
import { RunError } from '../../../src/errors/run-error.ts';

// The containers `verify` and `show` with an engine of the tests' own, whose scratch server is a directory: it copies files there, reads them back,
// and compares their digests with facts.json. What goes wrong on the way is told by FILES_FAULT; it is done to the files themselves.

/** Its facts: the release, and each file with its digest. */
export const filesFacts = z.object({
  server: z.string(),
  files: z.record(z.string(), z.string()),
  unknown: z.array(z.string()).default([]),
});

const fault = process.env['FILES_FAULT'] ?? '';
const once = { left: true };

const factsOf = async (directory: string): Promise<z.output<typeof filesFacts>> => {
  try {
    return filesFacts.parse(JSON.parse(await readFile(join(directory, factsFile), 'utf8')));
  } catch (error) {
    throw new RunError('BackupDamaged', `facts.json cannot be read: ${String(error)}.`);
  }
};

const createFilesVerifier = (root: string): VerifyEngine => {
  const server = join(root, 'server');
  return {
    async start() {
      if (fault === 'no server') throw new RunError('SandboxUnavailable', 'The scratch server did not answer.');
      await mkdir(server, { recursive: true });
      return 'files 1.2';
    },
    async unsuitable(directory, version) {
      const { server: needed } = await factsOf(directory);
      return needed === version ? undefined : `It is ${version}, and the backup is of ${needed}.`;
    },
    async load({ signal }, directory) {
      if (fault === 'it hangs') await sleep(300_000, undefined, { signal });
      if (fault === 'it refuses') throw new RunError('BackupNotLoadable', 'The server said: no.');
      if ((await readdir(server)).length > 0) throw new RunError('BackupNotLoadable', 'The server is not empty.');
      await cp(join(directory, 'data'), server, { recursive: true });
      if (fault === 'a byte') await writeFile(join(server, 'a'), 'another content');
      if (fault === 'one is lost') await rm(join(server, 'a'));
      if (fault === 'one too many') await writeFile(join(server, 'z'), 'x');
      if (fault === 'the newest only' && once.left) await writeFile(join(server, 'a'), 'another content');
      once.left = false;
      if (fault === 'all') for (const name of await readdir(server)) await writeFile(join(server, name), 'x');
    },
    async compare({ signal }, directory) {
      if (fault === 'it dies') throw new RunError('SandboxUnavailable', 'The scratch server is gone.');
      const facts = await factsOf(directory);
      const there = await readdir(server);
      const mismatches: string[] = [];
      for (const name of new Set([...Object.keys(facts.files), ...there].toSorted())) {
        if (facts.files[name] === undefined) mismatches.push(`file ${name}: not recorded`);
        else if (!there.includes(name)) mismatches.push(`file ${name}: missing`);
        else if ((await sha256OfFile(join(server, name), signal)) !== facts.files[name])
          mismatches.push(`file ${name}: another digest`);
      }
      const objects = Object.keys(facts.files).length;
      return { objects, rows: objects * 10, mismatches, notWitnessed: facts.unknown };
    },
    async query(_context, _directory, statement) {
      if (statement === 'count') return String((await readdir(server)).length);
      throw new RunError('QueryFailed', 'The server does not know this statement.');
    },
    async clear() {
      if (fault === 'it is not emptied')
        throw new RunError('SandboxUnavailable', 'The scratch server cannot be emptied.');
      await rm(server, { recursive: true, force: true });
      await mkdir(server);
    },
  };
};

if (process.argv[1] === import.meta.filename) {
  const surroundings = {
    env: process.env,
    now: () => new Date(),
    onTerminate: (stop: () => void) => process.on('SIGTERM', stop),
  };
  const scratch = z.object({ scratch: z.string() }).parse(JSON.parse(process.env['HOLDFAST_TASK'] ?? '')).scratch;
  const engineFor = () => createFilesVerifier(scratch);
  process.exit(
    process.argv[2] === 'show'
      ? await runContainer({ name: 'show', task: showTask, work: showWith(engineFor) }, surroundings)
      : await runContainer({ name: 'verify', task: verifyTask, work: verifyWith(engineFor) }, surroundings),
  );
}
