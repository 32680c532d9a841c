import {
  anyCheckTask,
  anyLoadTask,
  anySwapTask,
  bringTask,
  discardTask,
  dumpTask,
  fetchTask,
  inspectTask,
  keepTask,
  pruneTask,
  resolveTask,
  shipTask,
  showTask,
  verifyTask,
} from '../api/v1alpha1/task.ts';
import { containerNames, type ContainerName } from '../api/v1alpha1/result.ts';
import { runContainer, type Surroundings } from './container.ts';

type Start = (surroundings: Surroundings) => Promise<number>;

const restorer = async () => (await import('./restore/registry.ts')).restorerFor;
const verifier = async () => (await import('./verify/registry.ts')).verifierFor;

/** What each container does. What it runs by is read only then: the images hold the programs of one of them. */
const containers: Readonly<Record<ContainerName, Start>> = {
  decide: async (surroundings) => {
    const { decide } = await import('./dump/dump.ts');
    return runContainer({ name: 'decide', task: dumpTask, work: decide }, surroundings);
  },
  dump: async (surroundings) => {
    const { dump } = await import('./dump/dump.ts');
    return runContainer({ name: 'dump', task: dumpTask, work: dump }, surroundings);
  },
  ship: async (surroundings) => {
    const { ship } = await import('./ship/ship.ts');
    return runContainer({ name: 'ship', task: shipTask, work: ship }, surroundings);
  },
  prune: async (surroundings) => {
    const { prune } = await import('./prune/prune.ts');
    return runContainer({ name: 'prune', task: pruneTask, work: prune }, surroundings);
  },
  fetch: async (surroundings) => {
    const { fetch } = await import('./fetch/fetch.ts');
    return runContainer({ name: 'fetch', task: fetchTask, work: fetch }, surroundings);
  },
  verify: async (surroundings) => {
    const { verifyWith } = await import('./verify/verify.ts');
    return runContainer({ name: 'verify', task: verifyTask, work: verifyWith(await verifier()) }, surroundings);
  },
  resolve: async (surroundings) => {
    const { resolve } = await import('./restore/resolve.ts');
    return runContainer({ name: 'resolve', task: resolveTask, work: resolve }, surroundings);
  },
  inspect: async (surroundings) => {
    const { inspectWith } = await import('./restore/inspect.ts');
    return runContainer({ name: 'inspect', task: inspectTask, work: inspectWith(await restorer()) }, surroundings);
  },
  bring: async (surroundings) => {
    const { bring } = await import('./restore/bring.ts');
    return runContainer({ name: 'bring', task: bringTask, work: bring }, surroundings);
  },
  load: async (surroundings) => {
    const { loadWith } = await import('./restore/load.ts');
    return runContainer({ name: 'load', task: anyLoadTask, work: loadWith(await restorer()) }, surroundings);
  },
  swap: async (surroundings) => {
    const { swapWith } = await import('./restore/swap.ts');
    return runContainer({ name: 'swap', task: anySwapTask, work: swapWith(await restorer()) }, surroundings);
  },
  check: async (surroundings) => {
    const { checkWith } = await import('./restore/check.ts');
    return runContainer({ name: 'check', task: anyCheckTask, work: checkWith(await restorer()) }, surroundings);
  },
  show: async (surroundings) => {
    const { showWith } = await import('./restore/show.ts');
    return runContainer({ name: 'show', task: showTask, work: showWith(await verifier()) }, surroundings);
  },
  keep: async (surroundings) => {
    const { keepUntil } = await import('./restore/keep.ts');
    const stopped = new AbortController();
    const onTerminate = (): void => surroundings.onTerminate(() => stopped.abort());
    return runContainer(
      { name: 'keep', task: keepTask, work: keepUntil(stopped.signal) },
      { ...surroundings, onTerminate },
    );
  },
  discard: async (surroundings) => {
    const { discardWith } = await import('./restore/discard.ts');
    return runContainer({ name: 'discard', task: discardTask, work: discardWith(await restorer()) }, surroundings);
  },
};

const isContainer = (name: string | undefined): name is ContainerName => containerNames.some((known) => known === name);

/**
 * The agent's entry point: `agent` and the name of a container, with the task in HOLDFAST_TASK. The exit status is 0 only for a success.
 */
const main = async (name: string | undefined): Promise<number> => {
  if (isContainer(name))
    return containers[name]({
      env: process.env,
      now: () => new Date(),
      onTerminate: (stop) => process.on('SIGTERM', stop),
    });
  process.stderr.write(`usage: agent ${containerNames.join('|')}\n`);
  return 2;
};

// Work that was stopped may have left something that would keep the process alive; the result is written by now.
process.exit(await main(process.argv[2]));
