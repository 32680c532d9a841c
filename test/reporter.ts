import { writeFileSync } from 'node:fs';
import type { AggregatedResult, Reporter } from '@jest/reporters';
import { countsVariable, type Counts } from './counts.ts';

/**
 * Ends a jest run with one plain line of the real counts. A suite that could not even start counts as one failure, and so does a
 * skipped test: nothing is left out silently.
 */
export default class CountsReporter implements Pick<Reporter, 'onRunComplete'> {
  readonly #chosen: boolean;

  constructor({ testNamePattern }: { testNamePattern?: string }) {
    // With -t a person chose: what was not chosen is not left out silently.
    this.#chosen = testNamePattern !== undefined && testNamePattern !== '';
  }

  onRunComplete(_contexts: unknown, results: AggregatedResult): void {
    const skipped = this.#chosen ? 0 : results.numPendingTests + results.numTodoTests;
    const counts: Counts = {
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites + skipped,
    };
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
    const file = process.env[countsVariable];
    if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
  }
}
