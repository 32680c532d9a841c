import { join } from 'node:path';
import { benchForEach } from './support/bench-for-each.ts';
import { digests, type ShipRun } from './support/duplicity-bench.ts';
import { duplicityDirectory } from './support/duplicity.ts';
import { startRsyncRepository } from './support/repositories.ts';
import { madeBy, restored, small } from './support/ship-outcomes.ts';

// The clock of a node that is an hour off: duplicity names sets by it, and makes an incremental that ends before it begins.

const on = benchForEach(startRsyncRepository);

/** Ships by a clock that is off by so much, as faketime(1) has it; duplicity goes by it too. */
const shipBy = async (offset: string, kind: 'Full' | 'Incremental' = 'Incremental'): Promise<ShipRun> => {
  const real = join(await duplicityDirectory(), 'duplicity');
  const programs = await on.bench.program('duplicity', `#!/bin/sh\nexec faketime -f ${offset} ${real} "$@"\n`);
  return on.bench.ship({ kind, programs, before: ['faketime', '-f', offset] });
};

const setsOf = async (): Promise<string[][]> =>
  (await on.bench.ledger()).chains.map(({ sets }) => sets.map(({ type }) => type));

/** The newest set of each chain, by plain duplicity. */
const newest = async (): Promise<object[]> => {
  const { chains } = await on.bench.ledger();
  return Promise.all(chains.map(({ sets }, index) => restored(on.bench, index, sets.at(-1)?.setTime)));
};

const instead = ['Full', 'FullInsteadOfIncremental'];

test.each([
  { what: 'was ahead', full: '+1h', later: '+0', chains: [['Full'], ['Full', 'Incremental']] },
  { what: 'is behind now', full: '+0', later: '-1h', chains: [['Full'], ['Full', 'Incremental']] },
])(
  'it $what: a chain of its own is begun, and continued',
  async ({ full, later, chains }) => {
    await on.bench.addCopy(small('a'));
    expect(madeBy(await shipBy(full, 'Full'))).toEqual(['Full']);
    await on.bench.addCopy(small('b'));
    const run = await shipBy(later);
    expect(madeBy(run)).toEqual(instead);
    expect(run.result.notes).toMatchObject([{ message: expect.stringContaining('look at the clocks of the nodes') }]);
    expect(await newest()).toEqual(['a', 'b'].map((text) => digests(small(text))));
    await on.bench.addCopy(small('c'));
    expect(madeBy(await shipBy(later))).toEqual(['Incremental']);
    expect(await setsOf()).toEqual(chains);
    expect(await newest()).toEqual(['a', 'c'].map((text) => digests(small(text))));
  },
  120_000,
);

test('it is ahead for one incremental: that is whole, and what comes after it is a full', async () => {
  await on.bench.addCopy(small('a'));
  expect(madeBy(await shipBy('+0', 'Full'))).toEqual(['Full']);
  await on.bench.addCopy(small('b'));
  expect(madeBy(await shipBy('+1h'))).toEqual(['Incremental']);
  await on.bench.addCopy(small('c'));
  expect(madeBy(await shipBy('+0'))).toEqual(instead);
  expect(await setsOf()).toEqual([['Full', 'Incremental'], ['Full']]);
  expect(await newest()).toEqual(['b', 'c'].map((text) => digests(small(text))));
}, 120_000);
