import type { RestoreReport } from '../api/v1alpha1/restore-report.ts';
import { maxResultBytes, type Result } from '../api/v1alpha1/result.ts';
import type { VerificationReport, VerificationResult } from '../api/v1alpha1/verification.ts';
import { shorten } from './text.ts';

type Reduce = (result: Result) => Result;

const encode = (result: Result): string => JSON.stringify(result);
const bytesOf = (text: string): number => Buffer.byteLength(text, 'utf8');

/**
 * The result as one line of JSON of at most 2 KiB. What matters least goes first: older local copies, notes, then the length of messages, then the newest
 * points, of which the operator keeps what it saw before. Of a verification words go, the older set's first; of a restore its messages, and
 * then names. What the run was and how it ended always stays, and so does what was found of each set, and what a destination holds.
 */
export const fitResult = (result: Result): string => {
  let fitted = result;
  for (const reduce of reducesFor(result)) {
    if (bytesOf(encode(fitted)) <= maxResultBytes) break;
    fitted = reduce(fitted);
  }
  return encode(fitted);
};

const reducesFor = ({ restore, verification }: Result): readonly Reduce[] => {
  if (restore !== undefined) return ofRestores;
  return verification === undefined ? ofRuns : ofVerifications;
};

const shortenNotes =
  (max: number): Reduce =>
  (result) => ({ ...result, notes: result.notes.map((note) => ({ ...note, message: shorten(note.message, max) })) });

const keepNotes =
  (count: number): Reduce =>
  (result) => ({ ...result, notes: result.notes.slice(0, count) });

const shortenFailure =
  (max: number): Reduce =>
  (result) =>
    result.failure === undefined
      ? result
      : { ...result, failure: { ...result.failure, message: shorten(result.failure.message, max) } };

const shortenProblem =
  (max: number): Reduce =>
  (result) => {
    const { chain } = result.newest;
    if (chain?.problem === undefined) return result;
    return { ...result, newest: { ...result.newest, chain: { ...chain, problem: shorten(chain.problem, max) } } };
  };

const keepNotCovered =
  (count: number): Reduce =>
  (result) => {
    const { localCopy } = result.newest;
    if (localCopy?.notCovered === undefined) return result;
    const notCovered = localCopy.notCovered.slice(0, count);
    return { ...result, newest: { ...result.newest, localCopy: { ...localCopy, notCovered } } };
  };

const keepCopies =
  (count: number): Reduce =>
  (result) => {
    const { copies } = result.newest;
    if (copies === undefined) return result;
    return { ...result, newest: { ...result.newest, copies: { ...copies, newest: copies.newest.slice(0, count) } } };
  };

const dropNewest =
  (name: keyof Result['newest']): Reduce =>
  (result) => {
    const { [name]: _dropped, ...newest } = result.newest;
    return { ...result, newest };
  };

type ReduceReport = (report: VerificationReport) => VerificationReport;

const ofReport =
  (which: keyof VerificationResult, reduce: ReduceReport): Reduce =>
  (result) => {
    const report = result.verification?.[which];
    if (result.verification === undefined || report === undefined) return result;
    return { ...result, verification: { ...result.verification, [which]: reduce(report) } };
  };

const shortenEvidence =
  (max: number): ReduceReport =>
  (report) => {
    const { created, readable, complete, restorable } = report.checks;
    const shorter = <Check extends { evidence: string }>(check: Check): Check => ({
      ...check,
      evidence: shorten(check.evidence, max),
    });
    return {
      ...report,
      checks: {
        created: shorter(created),
        readable: shorter(readable),
        complete: shorter(complete),
        restorable: shorter(restorable),
      },
    };
  };

const ifProven = (which: keyof VerificationResult, reduce: ReduceReport): Reduce =>
  ofReport(which, (report) => (report.outcome === 'Verified' ? reduce(report) : report));

/** That a chain is whole, other results say as well. */
const dropIntactChain: Reduce = (result) =>
  result.newest.chain?.intact === true ? dropNewest('chain')(result) : result;

/** Likewise what can be restored, once that the chain is whole was left to them. */
const dropIntactRecovery: Reduce = (result) =>
  result.newest.chain === undefined ? dropNewest('recovery')(result) : result;

/** How many there are stays, whatever is named. */
const keepNamed =
  (count: number): ReduceReport =>
  (report) =>
    report.mismatches === undefined
      ? report
      : { ...report, mismatches: { ...report.mismatches, named: report.mismatches.named.slice(0, count) } };

const dropDetails: ReduceReport = ({ outcome, set, checks, mismatches }) => ({
  outcome,
  ...(set && { set }),
  checks,
  ...(mismatches && { mismatches }),
});

const ofRestore =
  (reduce: (report: RestoreReport) => RestoreReport): Reduce =>
  (result) =>
    result.restore === undefined ? result : { ...result, restore: reduce(result.restore) };

/** How many there are stays, whatever is named. */
const keepMissing = (count: number): Reduce =>
  ofRestore((report) =>
    report.destination === undefined
      ? report
      : { ...report, destination: { ...report.destination, missing: report.destination.missing.slice(0, count) } },
  );

const shortenSummary = (max: number): Reduce =>
  ofRestore((report) =>
    report.destination === undefined
      ? report
      : { ...report, destination: { ...report.destination, summary: shorten(report.destination.summary, max) } },
  );

const keepSafetyNames = (count: number): Reduce =>
  ofRestore((report) =>
    report.safetyCopy === undefined
      ? report
      : { ...report, safetyCopy: { ...report.safetyCopy, names: report.safetyCopy.names.slice(0, count) } },
  );

const shortenHowToUse = (max: number): Reduce =>
  ofRestore((report) =>
    report.safetyCopy?.howToUse === undefined
      ? report
      : { ...report, safetyCopy: { ...report.safetyCopy, howToUse: shorten(report.safetyCopy.howToUse, max) } },
  );

const shortenServers = (max: number): Reduce =>
  ofRestore(({ point, destination, compared, ...report }) => {
    const shorter = <Part extends { server?: string | undefined }>(part: Part): Part =>
      part.server === undefined ? part : { ...part, server: shorten(part.server, max) };
    return {
      ...report,
      ...(point && { point: shorter(point) }),
      ...(destination && { destination: shorter(destination) }),
      ...(compared && { compared: shorter(compared) }),
    };
  });

/** Of a run that backs up, or prunes. */
const ofRuns: readonly Reduce[] = [
  keepCopies(4),
  keepCopies(2),
  shortenNotes(160),
  keepNotes(1),
  keepNotes(0),
  dropNewest('copies'),
  keepNotCovered(1),
  shortenProblem(80),
  shortenFailure(480),
  shortenFailure(320),
  shortenFailure(160),
  dropNewest('localCopy'),
  dropNewest('chain'),
  dropNewest('incremental'),
  dropNewest('full'),
  dropNewest('recovery'),
];

/** Of a restore: the points that runs before it made stand in their own results, so they go before anything that this one says. */
const ofRestores: readonly Reduce[] = [
  keepCopies(2),
  dropNewest('copies'),
  keepNotCovered(1),
  dropNewest('localCopy'),
  dropNewest('incremental'),
  dropNewest('full'),
  shortenProblem(80),
  shortenNotes(200),
  shortenFailure(480),
  shortenNotes(120),
  dropNewest('recovery'),
  dropIntactChain,
  shortenFailure(320),
  keepNotes(1),
  shortenHowToUse(160),
  keepSafetyNames(4),
  shortenSummary(160),
  dropNewest('chain'),
  keepMissing(3),
  shortenFailure(200),
  keepSafetyNames(2),
  keepNotes(0),
  shortenHowToUse(80),
  shortenSummary(80),
  keepMissing(1),
  keepSafetyNames(1),
  shortenServers(32),
  shortenFailure(100),
  shortenSummary(30),
  shortenHowToUse(20),
  keepMissing(0),
  keepSafetyNames(0),
  shortenServers(12),
  shortenFailure(40),
  shortenSummary(0),
  shortenHowToUse(0),
  shortenServers(0),
];

/** Of a verification: the points that runs before it made stand in their own results; that a chain is not intact may stand here alone. */
const ofVerifications: readonly Reduce[] = [
  keepCopies(4),
  keepCopies(2),
  shortenNotes(160),
  keepNotes(1),
  dropNewest('copies'),
  ofReport('older', shortenEvidence(80)),
  ofReport('older', keepNamed(3)),
  keepNotCovered(1),
  dropNewest('localCopy'),
  shortenProblem(80),
  shortenFailure(480),
  dropNewest('incremental'),
  dropNewest('full'),
  shortenFailure(320),
  // An older set that was proven is named, and that is all that status keeps of it.
  ifProven('older', shortenEvidence(0)),
  ifProven('older', dropDetails),
  dropIntactChain,
  ofReport('latest', shortenEvidence(120)),
  ofReport('latest', keepNamed(5)),
  keepNotes(0),
  ofReport('older', shortenEvidence(24)),
  ofReport('older', keepNamed(1)),
  dropIntactRecovery,
  ofReport('latest', shortenEvidence(60)),
  ofReport('latest', keepNamed(2)),
  shortenFailure(160),
  dropNewest('recovery'),
  dropNewest('chain'),
  ofReport('older', shortenEvidence(0)),
  ofReport('older', keepNamed(0)),
  ofReport('older', dropDetails),
  ofReport('latest', shortenEvidence(24)),
  ofReport('latest', keepNamed(1)),
  shortenFailure(80),
  ofReport('latest', shortenEvidence(0)),
  ofReport('latest', keepNamed(0)),
  ofReport('latest', dropDetails),
  shortenFailure(40),
];
