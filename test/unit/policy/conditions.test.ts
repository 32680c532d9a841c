import * as fc from 'fast-check';
import type { LastRun } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { condition, policyConditionTypes } from '../../../src/api/v1alpha1/conditions.ts';
import type { RunKind } from '../../../src/api/v1alpha1/recovery-points.ts';
import { catalogue, failureReasons } from '../../../src/errors/catalogue.ts';
import { stateConditions } from '../../../src/policy/conditions.ts';
import type { Evidence, Statement } from '../../../src/policy/statement.ts';
import type { History } from '../../../src/policy/history.ts';
import type { Problem } from '../../../src/policy/problems.ts';
import { policyView } from '../../../src/policy/views.ts';
import { evidenceOf } from '../../support/operator/evidence.ts';
import { rawPolicy, type Json } from '../../support/operator/policies.ts';
import { later, pointsOf, subject } from '../../support/operator/runs.ts';

const specOf = (spec: Json = {}) => policyView(rawPolicy({ spec })).spec;
const start = '2026-11-15T00:00:00Z';

const runOf = (kind: RunKind, outcome: LastRun['outcome'], hour: number): LastRun => ({
  kind,
  jobName: `agama-${kind.toLowerCase()}-${hour}`,
  completionTime: later(start, hour * 3600),
  outcome,
  ...(outcome === 'Succeeded' ? {} : { reason: 'AccessDenied' }),
  repository: subject.repository,
});

const { chain } = pointsOf('a', start);
const broken = { ...chain, intact: false, problem: 'duplicity-full.vol1.difftar.gpg is missing' };
const windowSpec = (spec: Json = {}) => specOf({ schedule: { window: { start: '01:00', duration: '30m' } }, ...spec });
const dumpInside = {
  jobName: 'agama-local-copy-1',
  startTime: '2026-11-14T23:00:04Z',
  endTime: '2026-11-14T23:30:00Z',
};
const dumpOutside = { ...dumpInside, endTime: '2026-11-14T23:30:01Z' };
const problem: Problem = { reason: 'NameTaken', message: 'The CronJob a exists and is not of this policy.' };

// As young as that, nothing is owed yet.
const someTime = { now: new Date(start), created: start };

const judge = (given: Partial<Evidence> = {}) => {
  const statements = stateConditions(evidenceOf({ ...someTime, ...given }));
  const of = (type: Statement['type']): Statement | undefined => statements.find((one) => one.type === type);
  return { statements, of };
};

const histories: fc.Arbitrary<History> = fc
  .record({
    runs: fc.uniqueArray(
      fc
        .tuple(
          fc.constantFrom<RunKind>('LocalCopy', 'Full', 'Incremental'),
          fc.constantFrom<LastRun['outcome']>('Succeeded', 'Failed', 'Unknown'),
          fc.nat(5),
        )
        .map(([kind, outcome, hour]) => runOf(kind, outcome, hour)),
      { selector: ({ kind }) => kind },
    ),
    chain: fc.constantFrom(undefined, chain, broken),
    lastDump: fc.constantFrom(undefined, dumpInside, dumpOutside),
  })
  .map(({ runs, chain, lastDump }) => ({
    lastRuns: runs,
    ...(chain === undefined ? {} : { chain }),
    ...(lastDump === undefined ? {} : { lastDump }),
  }));

const specs = fc.constantFrom(
  specOf(),
  specOf({ objectives: undefined }),
  specOf({ suspend: true }),
  specOf({ schedule: { full: undefined, incremental: undefined } }),
  specOf({ schedule: { localCopy: undefined } }),
  windowSpec(),
  undefined,
);
const evidence = fc
  .record({
    spec: specs,
    problems: fc.constantFrom<Problem[]>([], [problem]),
    history: histories,
  })
  .map((given) => evidenceOf({ ...someTime, ...given }));

/** Said a second time, from design.md’s words: a success off-site at or after every other off-site end, and no failure on-site. */
const backupSucceeded = ({ spec, history: { lastRuns = [] } }: Evidence): boolean => {
  const offSite = lastRuns.filter(({ kind }) => kind !== 'LocalCopy');
  const ends = offSite.map(({ completionTime }) => completionTime).sort();
  const newest = offSite.filter(({ completionTime }) => completionTime === ends.at(-1));
  const local = lastRuns.filter(({ kind }) => kind === 'LocalCopy');
  return (
    (spec === undefined || spec.schedule.full !== undefined) &&
    newest.length > 0 &&
    [...newest, ...local].every(({ outcome }) => outcome === 'Succeeded')
  );
};

test('LastBackupSucceeded is True only for a success that reached the repository, and no later failure', () => {
  fc.assert(
    fc.property(evidence, (given) => {
      const { status } = judge(given).of('LastBackupSucceeded') ?? { status: 'missing' };
      expect(status === 'True').toBe(backupSucceeded(given));
    }),
    { numRuns: 1000 },
  );
});

test('Protected is True only while all that it summarises is True and the policy is carried out', () => {
  const summarised = [
    ...(['LastBackupSucceeded', 'ChainIntact', 'Verified', 'RecoveryPointMet', 'RecoveryTimeMet'] as const),
    'RunsOnTime' as const,
  ];
  fc.assert(
    fc.property(evidence, (given) => {
      const { of } = judge(given);
      const states = [
        ...summarised.map((type) => of(type)?.status),
        ...(given.spec?.schedule.window === undefined ? [] : [of('WindowKept')?.status]),
      ];
      const expected =
        given.problems.length > 0 || states.includes('False')
          ? 'False'
          : states.every((state) => state === 'True')
            ? 'True'
            : 'Unknown';
      expect(of('Protected')?.status).toBe(expected);
      // Nothing here was ever restored, and no listing tells of a backup.
      expect(of('Protected')?.status).not.toBe('True');
      for (const type of ['Verified', 'RecoveryPointMet', 'RecoveryTimeMet'] as const) {
        expect(of(type)?.status).toBe('Unknown');
      }
    }),
    { numRuns: 1000 },
  );
});

test('every statement is one the API server takes, once a type, and the same evidence makes the same statements', () => {
  fc.assert(
    fc.property(evidence, (given) => {
      const { statements } = judge(given);
      const types = statements.map(({ type }) => type);
      expect(types).toHaveLength(new Set(types).size);
      for (const statement of statements) {
        const parsed = condition.safeParse({ ...statement, lastTransitionTime: start });
        expect(parsed.error).toBeUndefined();
        expect(policyConditionTypes).toContain(statement.type);
        expect(statement.message).not.toMatch(/undefined|\[object|NaN|  /);
        expect(statement.message).toMatch(/[.)]$/);
      }
      const { spec, problems, history } = given;
      expect(judge(structuredClone({ spec, problems, history })).statements).toEqual(statements);
    }),
    { numRuns: 500 },
  );
});

test.each([
  {
    runs: [runOf('Full', 'Failed', 1), runOf('LocalCopy', 'Succeeded', 2)],
    status: 'False',
    names: 'agama-full-1',
    reason: 'a later local copy does not hide that nothing left the cluster',
  },
  {
    runs: [runOf('Full', 'Succeeded', 2), runOf('LocalCopy', 'Failed', 1)],
    status: 'False',
    names: 'agama-localcopy-1',
    reason: 'an off-site success does not hide that the local copy failed',
  },
  {
    runs: [runOf('Incremental', 'Failed', 1), runOf('Full', 'Succeeded', 2)],
    status: 'True',
    names: 'agama-full-2',
    reason: 'a full makes up for a failed incremental',
  },
  {
    runs: [runOf('Incremental', 'Succeeded', 3), runOf('Full', 'Failed', 2)],
    status: 'True',
    names: 'agama-incremental-3',
    reason: 'the newest off-site run counts',
  },
  {
    runs: [runOf('Full', 'Succeeded', 2), runOf('Incremental', 'Failed', 2)],
    status: 'False',
    names: 'agama-incremental-2',
    reason: 'of two in the same second the failed one counts',
  },
  {
    runs: [runOf('Incremental', 'Failed', 2), runOf('Full', 'Succeeded', 2)],
    status: 'False',
    names: 'agama-incremental-2',
    reason: 'and in the other order',
  },
  {
    runs: [runOf('Full', 'Unknown', 1)],
    status: 'Unknown',
    names: 'agama-full-1',
    reason: 'nobody knows how it ended',
  },
  {
    runs: [runOf('Full', 'Succeeded', 1), runOf('LocalCopy', 'Unknown', 2)],
    status: 'Unknown',
    names: 'agama-localcopy-2',
    reason: 'nobody knows how the local copy ended',
  },
  {
    runs: [runOf('LocalCopy', 'Succeeded', 1)],
    status: 'Unknown',
    names: 'No backup',
    reason: 'nothing was shipped yet',
  },
  { runs: [], status: 'Unknown', names: 'No backup', reason: 'nothing ran yet' },
] as const)('LastBackupSucceeded is $status: $reason', ({ runs, status, names }) => {
  const found = judge({ history: { lastRuns: [...runs] } }).of('LastBackupSucceeded');
  expect(found?.status).toBe(status);
  expect(found?.message).toContain(names);
});

test('a policy that makes local copies only is never green', () => {
  const spec = specOf({ schedule: { full: undefined, incremental: undefined } });
  const history = { lastRuns: [runOf('LocalCopy', 'Succeeded', 1)] };
  expect(judge({ spec, history }).of('LastBackupSucceeded')).toMatchObject({
    status: 'Unknown',
    reason: 'NothingShipped',
  });
});

describe('a failure says what to do next', () => {
  test('in its own words, when they are known', () => {
    const run = runOf('Full', 'Failed', 1);
    const lastFailure = {
      step: 'Connect',
      reason: 'AccessDenied',
      message: 'The server refused the account. Check the Secret agama-mysql.',
      kind: 'Full',
      jobName: run.jobName,
      time: run.completionTime,
    } as const;
    const found = judge({ history: { lastRuns: [run], lastFailure } }).of('LastBackupSucceeded');
    expect(found).toMatchObject({ status: 'False', reason: 'AccessDenied' });
    expect(found?.message).toContain('agama-full-1 failed at step Connect: The server refused the account.');
    expect(found?.message).toContain('kubectl logs job/agama-full-1');
  });

  test.each(failureReasons)(
    '%s: in the words of the catalogue, when a later failure took the place of its own',
    (reason) => {
      const lastRuns = [{ ...runOf('Full', 'Failed', 1), reason }];
      const found = judge({ history: { lastRuns } }).of('LastBackupSucceeded');
      expect(found).toMatchObject({ status: 'False', reason });
      expect(found?.message).toContain(catalogue[reason].next);
    },
  );
});

test.each([
  { objective: '1h', words: 'It took 60 s; 1h was promised.', reason: 'in time' },
  { objective: '59s', words: 'It took 60 s, longer than the 59s that was promised.', reason: 'too late' },
  { objective: '1mo', words: 'It took 60 s; 1mo was promised.', reason: 'a month is no number of seconds' },
])('a success says how long it took beside what was promised: $reason', ({ objective, words }) => {
  const run = runOf('Full', 'Succeeded', 1);
  const { full } = pointsOf(run.jobName, run.completionTime);
  const spec = specOf({ objectives: { backupDurationObjective: objective } });
  const found = judge({ spec, history: { lastRuns: [run], lastFull: full } }).of('LastBackupSucceeded');
  expect(found?.status).toBe('True');
  expect(found?.message).toContain(words);
  expect(judge({ spec, history: { lastRuns: [run] } }).of('LastBackupSucceeded')?.message).toContain('is not known');
});

test('a chain that is not whole says what is missing and what comes next', () => {
  const found = judge({ history: { chain: broken } }).of('ChainIntact');
  expect(found).toMatchObject({ status: 'False', reason: 'ChainBroken' });
  expect(found?.message).toContain('duplicity-full.vol1.difftar.gpg is missing');
});

test('Ready and Stalled: a policy is carried out, or says why not', () => {
  expect(judge().of('Ready')).toMatchObject({ status: 'True', reason: 'Applied' });
  expect(judge().of('Stalled')).toBeUndefined();
  expect(judge({ spec: specOf({ suspend: true }) }).of('Ready')).toMatchObject({ status: 'True', reason: 'Suspended' });
  const stalled = judge({ problems: [problem, { reason: 'ApplyRefused', message: 'And another.' }] });
  for (const type of ['Stalled', 'Ready'] as const) {
    expect(stalled.of(type)).toMatchObject({
      status: type === 'Stalled' ? 'True' : 'False',
      reason: 'NameTaken',
      message: 'The CronJob a exists and is not of this policy. And another.',
    });
  }
  expect(stalled.of('Protected')).toMatchObject({ status: 'False', reason: 'Stalled' });
});

test.each([
  { history: {}, problems: [], words: 'No backup is known to be in the repository.', reason: 'nothing yet' },
  {
    history: { lastBackupTime: '2026-11-14T23:00:05Z', lastRuns: [runOf('Full', 'Failed', 1)] },
    problems: [],
    words:
      'Not met: LastBackupSucceeded. Not known: ChainIntact, Verified, RecoveryPointMet, RecoveryTimeMet. The newest backup in the repository holds the data of 2026-11-14T23:00:05Z.',
    reason: 'after a failure',
  },
  {
    history: { lastBackupTime: '2026-11-14T23:00:05Z' },
    problems: [problem],
    words: 'CronJobs applied before go on unchanged. The newest backup in the repository holds the data of 2026-11-14',
    reason: 'while it is stalled',
  },
])('Protected says what is safe: $reason', ({ history, problems, words }) => {
  expect(judge({ history, problems }).of('Protected')?.message).toContain(words);
});

test.each([
  { incrementals: 0, words: 'The full of 2026-11-14T23:46:40Z was whole when', reason: 'a full alone' },
  { incrementals: 1, words: 'The full of 2026-11-14T23:46:40Z and 1 incremental were whole', reason: 'one' },
  { incrementals: 6, words: 'and 6 incrementals were whole', reason: 'several' },
])('a chain that is whole is told of in good words: $reason', ({ incrementals, words }) => {
  expect(judge({ history: { chain: { ...chain, incrementals } } }).of('ChainIntact')?.message).toContain(words);
});

test('what was promised is in the message; what was not promised asks for it', () => {
  expect(judge().of('RecoveryPointMet')).toMatchObject({
    reason: 'NoBackupYet',
    message: expect.stringContaining('25h'),
  });
  expect(judge({ spec: specOf({ objectives: undefined }) }).of('RecoveryTimeMet')).toMatchObject({
    reason: 'NoObjective',
    message: expect.stringContaining('spec.objectives.recoveryTimeObjective'),
  });
});

describe('WindowKept', () => {
  const lost: LastRun = { ...runOf('LocalCopy', 'Failed', 24), reason: 'PodLost' };
  test.each([
    { history: { lastDump: dumpInside }, status: 'True', reason: 'it ended as the window closed' },
    { history: { lastDump: dumpOutside }, status: 'False', reason: 'it ended a second later' },
    {
      history: { lastDump: { ...dumpInside, startTime: '2026-11-14T22:59:59Z' } },
      status: 'False',
      reason: 'it began a second early',
    },
    { history: {}, status: 'Unknown', reason: 'no dump is known' },
    { history: { lastDump: dumpInside, lastRuns: [lost] }, status: 'Unknown', reason: 'a later run left no word' },
    {
      history: { lastDump: dumpInside, lastRuns: [{ ...lost, reason: 'OutOfMemory' }] },
      status: 'Unknown',
      reason: 'a later run was killed',
    },
    {
      history: { lastDump: dumpInside, lastRuns: [runOf('LocalCopy', 'Failed', 24)] },
      status: 'True',
      reason: 'a later run said that it made no dump',
    },
    {
      history: { lastDump: { ...dumpInside, jobName: lost.jobName }, lastRuns: [lost] },
      status: 'True',
      reason: 'the run that was lost told of its dump before',
    },
    {
      history: { lastDump: { ...dumpInside, endTime: later(lost.completionTime, 60) }, lastRuns: [lost] },
      status: 'False',
      reason: 'a run that left no word is older than the dump',
    },
  ])('is $status when $reason', ({ history, status }) => {
    const { of } = judge({ spec: windowSpec(), history });
    expect(of('WindowKept')?.status).toBe(status);
  });

  test('False is named by Protected, with the window', () => {
    const { of } = judge({ spec: windowSpec(), history: { lastDump: dumpOutside } });
    expect(of('Protected')?.message).toContain('Not met: WindowKept.');
    expect(of('WindowKept')?.message).toContain('outside the window (01:00 for 30m, Europe/Tallinn)');
  });

  test('is not there without a window, and is not judged by a schedule that cannot be read', () => {
    expect(judge({ history: { lastDump: dumpOutside } }).of('WindowKept')).toBeUndefined();
    const spec = specOf({ schedule: { timeZone: 'Europe/Tallin', window: { start: '01:00', duration: '2d' } } });
    const invalid: Problem = { reason: 'ScheduleInvalid', message: 'No such zone.' };
    const { of } = judge({ spec, problems: [invalid], history: { lastDump: dumpInside } });
    expect(of('WindowKept')).toMatchObject({ status: 'Unknown', reason: 'ScheduleInvalid' });
  });
});
