import { createProgress } from '../cluster/progress.ts';
import { findCluster } from '../cluster/cluster.ts';
import { ClusterError } from '../cluster/error.ts';
import { runDemo } from './demo.ts';

/** `npm run demo` shows the main job on real parts; `npm run demo:down` removes all of it. */
const main = async ([command = 'up']: readonly string[]): Promise<void> => {
  const progress = createProgress();
  if (command === 'up') return runDemo(progress);
  if (command === 'down') return (await findCluster({ progress })).down();
  throw new ClusterError(`${command} is not a command of the demo.`, 'Say up (or nothing), or down.');
};

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
