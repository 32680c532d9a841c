import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { countsVariable, readCounts, type Counts } from './counts.ts';

/**
 * The whole test suite, one part after another since they share two cores: the static checks, then jest's projects. Every part runs,
 * also after one that failed. Ends with one line of the real counts; the exit status is 0 only when nothing failed.
 */

interface Part {
  title: string;
  command: readonly [file: string, ...args: string[]];
  /** The static checks count as one test; jest tells its own counts. */
  counted: boolean;
}

const jest = (project: string, ...args: string[]): Part => ({
  title: `${project} tests`,
  command: ['npm', 'run', '--silent', `test:${project}`, '--', ...args],
  counted: true,
});

const parts: readonly Part[] = [
  { title: 'types, lint and format', command: ['npm', 'run', '--silent', 'check'], counted: false },
  jest('unit'),
  jest('agent'),
  jest('integration'),
  jest('e2e'),
];

/** Runs one part with its output on the screen. A part that did not finish its count failed, whatever else it says. */
const run = async ({ title, command: [file, ...args], counted }: Part, directory: string): Promise<Counts> => {
  const counts = join(directory, 'counts.json');
  const start = performance.now();
  process.stdout.write(`\n── ${title} ──\n`);
  const { failed } = await execa(file, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { [countsVariable]: counts },
    reject: false,
  });
  process.stdout.write(`── ${title}: ${Math.round((performance.now() - start) / 1000)} s ──\n`);
  if (!counted) return { passed: failed ? 0 : 1, failed: failed ? 1 : 0 };
  const told = readCounts(await readFile(counts, 'utf8').catch(() => ''));
  await rm(counts, { force: true });
  if (told === undefined) return { passed: 0, failed: 1 };
  // Jest also fails for what is no test: a coverage limit, an open handle, no test at all.
  return failed && told.failed === 0 ? { ...told, failed: 1 } : told;
};

const main = async (): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  let total: Counts = { passed: 0, failed: 0 };
  try {
    for (const part of parts) {
      const { passed, failed } = await run(part, directory);
      total = { passed: total.passed + passed, failed: total.failed + failed };
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
};

await main();
