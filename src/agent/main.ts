import { dumpTask, fetchTask, pruneTask, shipTask, verifyTask } from '../api/v1alpha1/task.ts';
import { runContainer, type Surroundings } from './container.ts';

/**
 * The agent's entry point: `agent` and the name of a container, with the task in HOLDFAST_TASK. The exit status is 0 only for a success.
 */
const main = async (name: string | undefined): Promise<number> => {
  const surroundings: Surroundings = {
    env: process.env,
    now: () => new Date(),
    onTerminate: (stop) => process.on('SIGTERM', stop),
  };
  if (name === 'decide') {
    const { decide } = await import('./dump/dump.ts');
    return runContainer({ name, task: dumpTask, work: decide }, surroundings);
  }
  if (name === 'dump') {
    const { dump } = await import('./dump/dump.ts');
    return runContainer({ name, task: dumpTask, work: dump }, surroundings);
  }
  if (name === 'ship') {
    const { ship } = await import('./ship/ship.ts');
    return runContainer({ name, task: shipTask, work: ship }, surroundings);
  }
  if (name === 'prune') {
    const { prune } = await import('./prune/prune.ts');
    return runContainer({ name, task: pruneTask, work: prune }, surroundings);
  }
  if (name === 'fetch') {
    const { fetch } = await import('./fetch/fetch.ts');
    return runContainer({ name, task: fetchTask, work: fetch }, surroundings);
  }
  if (name === 'verify') {
    const [{ verifyWith }, { verifierFor }] = await Promise.all([
      import('./verify/verify.ts'),
      import('./verify/registry.ts'),
    ]);
    return runContainer({ name, task: verifyTask, work: verifyWith(verifierFor) }, surroundings);
  }
  process.stderr.write('usage: agent decide|dump|ship|prune|fetch|verify\n');
  return 2;
};

// Work that was stopped may have left something that would keep the process alive; the result is written by now.
process.exit(await main(process.argv[2]));
