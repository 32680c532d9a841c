import { timestamp } from '../../base/times.ts';
import type { Sandbox, VerifyTask } from '../../api/v1alpha1/task.ts';
import { queriesDigest, type VerificationResult } from '../../api/v1alpha1/verification.ts';
import { RunError } from '../../errors/run-error.ts';
import { runErrorOf, StepFailure } from '../failure-of.ts';
import { type FetchedSet, readHandover } from '../fetch/handover.ts';
import type { Ledger } from '../ledger.ts';
import type { Made, RunContext } from '../run.ts';
import { plainText } from '../text.ts';
import { timed } from '../timed.ts';
import { checkFacts } from './check-facts.ts';
import { judgeCompared, judgeQuery } from './judge.ts';
import type { VerifyEngine } from './engine.ts';
import { CheckFailed, endFinding, type Finding, isDamage, newFinding, passed, reportOf } from './report.ts';

type Context = RunContext<VerifyTask>;

/** A set on its way: what was handed over, and what is found of it. */
interface Case {
  readonly fetched: FetchedSet;
  readonly finding: Finding;
}

/**
 * Loads what was fetched into the scratch server, compares all that the facts say, and asks the policy's own queries. It succeeds only when
 * every set is proven; else the result says of each what was found. The ledger remembers both.
 * @throws StepFailure with a RunError of the catalogue
 */
export const verifyWith =
  (engineFor: (sandbox: Sandbox) => VerifyEngine) =>
  async (context: Context): Promise<Made> => {
    const { task, secrets } = context;
    const redact = (text: string): string => secrets.redact(text);
    let cases: { latest: Case; older?: Case } | undefined;
    const result = (failure?: { reason: RunError['reason'] }): VerificationResult => ({
      latest: reportOf(cases?.latest.finding ?? newFinding(), redact, failure),
      ...(cases?.older && { older: reportOf(cases.older.finding, redact, failure) }),
    });
    context.verifies(result);
    const { latest, older } = await context.step('Prepare', () => readHandover(task.fetched));
    cases = { latest: caseOf(latest), ...(older && { older: caseOf(older) }) };
    const engine = engineFor(task.sandbox);
    const server = await context.step('Sandbox', () => engine.start(context));
    const all = [cases.latest, ...(cases.older ? [cases.older] : [])];
    let first: unknown;
    try {
      for (const each of all) {
        const error = await verifyCase(context, engine, server, each);
        first ??= error;
        // A server that is of no use now is of none for the next set.
        if (each.finding.outcome === 'CouldNotVerify' && each.finding.reason !== 'FactsUnknown') break;
        await clear(context, engine, each !== all.at(-1));
      }
    } finally {
      // Also when the run is stopped: what is proven by then is proven.
      await record(context, all);
    }
    if (first !== undefined) throw first;
    const verification = result();
    if ([verification.latest, verification.older].some((report) => report && report.outcome !== 'Verified'))
      throw new RunError('InternalError', 'A set was not verified, and nothing said why.');
    return { verification };
  };

/** Verifies one set; gives why that failed. @throws the reason of the signal when the run was stopped */
const verifyCase = async (context: Context, engine: VerifyEngine, server: string, each: Case): Promise<unknown> => {
  try {
    await verifySet(context, engine, server, each);
    return undefined;
  } catch (error) {
    context.signal.throwIfAborted();
    const { finding } = each;
    endFinding(finding, error);
    if (finding.outcome === 'CouldNotVerify')
      finding.checks.restorable = { outcome: 'Unknown', evidence: runErrorOf(error).detail };
    return error;
  }
};

/** Empties the scratch server. After the last set nothing depends on it. */
const clear = async (context: Context, engine: VerifyEngine, needed: boolean): Promise<void> => {
  try {
    await engine.clear(context);
  } catch (error) {
    context.signal.throwIfAborted();
    if (needed) throw error;
    context.log.warn('the scratch server could not be emptied', { error });
  }
};

const caseOf = (fetched: FetchedSet): Case => {
  const finding = newFinding(fetched.set);
  Object.assign(finding.checks, fetched.checks);
  finding.sourceBytes = fetched.bytes;
  finding.seconds.fetch = fetched.seconds;
  return { fetched, finding };
};

/** A failure that says something of the backup is one of the check "restorable". */
const asRestorable = (thrown: unknown): unknown => {
  if (thrown instanceof StepFailure) return new StepFailure(thrown.step, asRestorable(thrown.cause));
  const error = thrown instanceof RunError ? thrown : undefined;
  if (error === undefined || error instanceof CheckFailed) return thrown;
  if (!['BackupNotLoadable', 'BackupDamaged', 'QueryFailed'].includes(error.reason)) return thrown;
  return new CheckFailed('restorable', error.reason, error.detail, { cause: error });
};

const restorable = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw asRestorable(error);
  }
};

const verifySet = async (context: Context, engine: VerifyEngine, server: string, each: Case): Promise<void> => {
  const { fetched, finding } = each;
  const { directory, set } = fetched;
  const { queries } = context.task;
  finding.server = server;
  await context.step('Sandbox', async () => {
    await checkFacts(context, fetched);
    const unsuitable = await restorable(() => engine.unsuitable(directory, server));
    if (unsuitable !== undefined) throw new RunError('SandboxVersionDiffers', unsuitable);
  });
  context.log.info('a set is loaded', { chain: set.chain, set: set.setTime, bytes: fetched.bytes });
  const load = await context.step('Load', () => timed(() => restorable(() => engine.load(context, directory))));
  finding.seconds.load = load.seconds;
  const compare = await context.step('Compare', () =>
    timed(async () => {
      const compared = await restorable(() => engine.compare(context, directory));
      finding.objectsCompared = compared.objects;
      finding.rowsCompared = compared.rows;
      finding.mismatches = compared.mismatches;
      for (const mismatch of compared.mismatches) context.log.error('differs', { mismatch });
      judgeCompared(compared, set);
      for (const [index, { query, expect }] of queries.entries())
        judgeQuery(await restorable(() => engine.query(context, directory, query)), { number: index + 1, expect });
      return compared;
    }),
  );
  finding.seconds.compare = compare.seconds;
  const { objects, rows } = compare.value;
  const asked =
    queries.length === 0 ? '' : `; ${queries.length} ${queries.length === 1 ? 'query' : 'queries'} as expected`;
  passed(
    finding,
    'restorable',
    `Loaded into ${server} in ${load.seconds} s: ${objects} objects with ${rows} rows are equal to the facts${asked}`,
  );
  const digest = queriesDigest(queries);
  if (digest !== undefined) finding.queries = digest;
  finding.outcome = 'Verified';
};

/** Remembers in the ledger what is proven, which retention never takes away, and what is not, which nothing continues. */
const record = async ({ ledger, log, now, secrets }: Context, cases: readonly Case[]): Promise<void> => {
  const time = timestamp(now());
  const change = (current: Ledger): Ledger => ({
    ...current,
    chains: current.chains.map((chain) => {
      const own = cases.filter(({ fetched: { set } }) =>
        chain.sets.some(
          (each) => chain.directory === set.chain && each.setTime === set.setTime && each.setDigest === set.setDigest,
        ),
      );
      const bad = own.find(({ finding: { reason } }) => reason !== undefined && isDamage(reason));
      const words =
        bad && plainText(secrets.redact(`Set of ${bad.fetched.set.setTime}: ${badWords(bad)}`)).slice(0, 256);
      return {
        ...chain,
        sets: chain.sets.map((each) =>
          own.some(({ fetched: { set }, finding }) => finding.outcome === 'Verified' && set.setTime === each.setTime)
            ? { ...each, verifiedTime: time }
            : each,
        ),
        ...(words !== undefined && { problem: words, damaged: words }),
      };
    }),
  });
  try {
    await ledger.update(change);
  } catch (error) {
    // What was found stands in the result, by which the operator protects it as well.
    log.warn('what was found could not be recorded in the ledger', { error });
  }
};

const badWords = ({ finding: { checks, reason } }: Case): string =>
  Object.values(checks).find(({ outcome }) => outcome === 'Failed')?.evidence ?? String(reason);
