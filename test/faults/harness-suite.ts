import type { OperatorCluster } from '../support/operator/cluster.ts';
import type { Judge } from './harness-check.ts';
import { everyKill } from './harness-plan.ts';
import type { Ending } from './harness.ts';
import type { Scenario } from './scenarios.ts';
import { maskNames } from './state.ts';

/** What the kills of some scenarios came to. */
export interface Tally {
  scenarios: number;
  writes: number;
  kills: number;
  /** Kills that came; the others were planned for a write that the operator did not need. */
  came: number;
}

export const newTally = (): Tally => ({ scenarios: 0, writes: 0, kills: 0, came: 0 });

export const tallyWords = ({ scenarios, writes, kills, came }: Tally): string =>
  `${scenarios} scenarios, ${writes} writes x 2, ${kills} kills with those before the change (${came} came)`;

/** What the API server's own log says was made and deleted in a namespace. */
const audited = async (
  cluster: OperatorCluster,
  mark: number,
  { namespace }: Ending,
): Promise<Pick<Ending, 'creates' | 'deletes'>> => {
  const writes = (await cluster.writes(mark)).filter(
    (write) => write.namespace === namespace && !/^events|accessreviews/.test(write.what),
  );
  const made = writes.filter(({ verb, code }) => verb !== 'delete' && code === 201);
  const deleted = writes.filter(({ verb, code }) => verb === 'delete' && code < 300);
  return {
    // The proxy does not see the name of what is posted.
    creates: made.map(({ verb, what }) => (verb === 'create' ? `POST ${what.split('/')[0]}` : `PATCH ${what}`)).sort(),
    deletes: deleted.map(({ what }) => `DELETE ${maskNames(what)}`).sort(),
  };
};

interface Bench {
  readonly cluster: OperatorCluster;
  readonly judge: Judge;
  readonly tally: Tally;
}

type Played = Pick<Tally, 'writes' | 'kills' | 'came'>;

/**
 * Plays a scenario without a kill, and then with one before and after each of its writes: the end is the same, made by the same creates and
 * deletes, and then nothing is written.
 */
export const killEverywhere = async ({ cluster, judge, tally }: Bench, scenario: Scenario): Promise<Played> => {
  const mark = await cluster.mark();
  const reference = await judge.referenceOf(scenario);
  scenario.end(reference.state);
  const { jobs } = scenario;
  if (jobs !== undefined) expect(reference.creates.filter((what) => what === 'POST jobs')).toHaveLength(jobs);
  expect(reference.troubles).toEqual([]);
  expect(reference.afterRestart).toEqual([]);

  const kills = everyKill(reference.writes.length);
  const endings = await judge.playAll(kills.map((kill) => ({ scenario, kills: [kill] })));
  for (const ending of [reference, ...endings]) {
    expect(await audited(cluster, mark, ending)).toEqual({ creates: ending.creates, deletes: ending.deletes });
  }
  const came = endings.reduce((sum, { killed }) => sum + killed, 0);
  const played = { writes: reference.writes.length, kills: kills.length, came };
  process.stdout.write(`${scenario.name}: ${played.writes} writes, ${played.kills} kills (${came} came)\n`);
  tally.scenarios += 1;
  tally.writes += played.writes;
  tally.kills += played.kills;
  tally.came += came;
  return played;
};
