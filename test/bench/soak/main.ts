import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { apiOf } from '../../cluster/api.ts';
import { startControlPlane, type ControlPlane } from '../../cluster/control-plane.ts';
import { createProgress } from '../../cluster/progress.ts';
import { chooseSeed, createRandom } from '../../faults/random.ts';
import { installCrds } from '../../cluster/crds.ts';
import { observePolicies } from '../operator/observer.ts';
import { createPolicies, policyNames } from '../operator/policies.ts';
import { compileOperator, type Program } from '../operator/process.ts';
import type { SoakFigures } from './figures.ts';
import { soak } from './soak.ts';
import { createStorm } from './storm.ts';
import { startSubject, type Subject } from './subject.ts';

/** Whether the operator holds while a fault a second strikes it: its memory does not grow, and everything settles afterwards. */

const progress = createProgress();
const quietMs = 5000;

interface Settings {
  readonly count: number;
  readonly minutes: number;
  readonly seed: number;
}

const numberFrom = (option: string, text: string, least: number, most: number): number => {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least && value <= most)) {
    throw new Error(`--${option} ${text}: give a number from ${least} to ${most}`);
  }
  return value;
};

const readSettings = (): Settings => {
  const { values } = parseArgs({
    options: {
      policies: { type: 'string', default: '1000' },
      minutes: { type: 'string', default: '20' },
      seed: { type: 'string' },
    },
  });
  return {
    count: Math.ceil(numberFrom('policies', values.policies, 1, 100_000)),
    // The first runs of the policies are due six hours after their creation, and would be part of what is measured.
    minutes: numberFrom('minutes', values.minutes, 0.5, 240),
    seed: values.seed === undefined ? chooseSeed() : Math.floor(numberFrom('seed', values.seed, 0, 2 ** 32 - 1)),
  };
};

const untilQuiet = async ({ writes }: Subject, signal: AbortSignal): Promise<void> => {
  while (Date.now() - writes().lastMs < quietMs) await sleep(500, undefined, { signal });
};

const measure = async (
  plane: ControlPlane,
  program: Program,
  { count, minutes, seed }: Settings,
): Promise<SoakFigures> => {
  const api = apiOf(plane.kubeconfig);
  const policies = policyNames(count);
  const over = new AbortController();
  let subject: Subject | undefined;
  try {
    await progress.task(`Creating ${count} policies`, () => createPolicies(api, policies));
    const storm = createStorm(createRandom(seed), () => performance.now());
    const held = await startSubject(plane.kubeconfig, program, storm);
    subject = held;
    await progress.task('Waiting until all are Ready', async () => {
      const observer = await observePolicies(api);
      try {
        await Promise.race([observer.whenReady(count), held.ended]);
        await Promise.race([untilQuiet(held, over.signal), held.ended]);
      } finally {
        await observer.stop();
      }
    });
    const options = { storm, api, policies, minutes, seed, say: progress.say, signal: over.signal };
    return await progress.task(`A fault a second for ${minutes} min, seed ${seed}`, () =>
      Promise.race([soak(held, options), held.ended]),
    );
  } finally {
    over.abort(new Error('the soak is over'));
    await subject?.stop();
    api.close();
  }
};

const main = async (): Promise<void> => {
  const settings = readSettings();
  const program = await progress.task('Compiling the operator', compileOperator);
  const plane = await progress.task('Starting a control plane', () =>
    startControlPlane({ apiserverArguments: ['--disable-admission-plugins=ServiceAccount'] }),
  );
  try {
    await installCrds(plane);
    const figures = await measure(plane, program, settings);
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    if (figures.notSettled > 0 || figures.restarts > 0) process.exitCode = 1;
  } finally {
    await plane.stop();
  }
};

await main();
