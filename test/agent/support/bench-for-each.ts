import { duplicityDirectory } from './duplicity.ts';
import { type Bench, makeBench } from './duplicity-bench.ts';
import type { TestRepository } from './repositories.ts';
import { there } from '../../support/there.ts';

/** What the tests of a file, or of a `describe`, work on. */
export interface Benches<Repository extends TestRepository> {
  /** The repository that they share. */
  readonly repository: Repository;
  /** The bench of the test that runs. */
  readonly bench: Bench;
}

/** One repository for all tests where it is called, and for each test a bench of its own: claim, Secrets, and a place in the repository. */
export const benchForEach = <Repository extends TestRepository>(
  start: () => Promise<Repository>,
): Benches<Repository> => {
  let repository: Repository | undefined;
  let bench: Bench | undefined;
  beforeAll(async () => {
    repository = await start();
    await duplicityDirectory();
  }, 120_000);
  afterAll(() => repository?.stop());
  beforeEach(async () => {
    bench = await makeBench(there(repository));
  });
  afterEach(() => bench?.remove());
  return {
    get repository() {
      return there(repository);
    },
    get bench() {
      return there(bench);
    },
  };
};
