import { duplicityDirectory } from './support/duplicity.ts';

/** Once before the agent's tests, without a test's time limit: the programs that they run are installed, where they were not before. */
export default async function setup(): Promise<void> {
  await duplicityDirectory();
}
