import { judgeCompared, judgeQuery } from '../../../../src/agent/verify/judge.ts';
import {
  CheckFailed,
  endFinding,
  isDamage,
  newFinding,
  outcomeOf,
  passed,
  reportOf,
} from '../../../../src/agent/verify/report.ts';
import type { Compared } from '../../../../src/agent/verify/engine.ts';
import { StepFailure } from '../../../../src/agent/failure-of.ts';
import { checkNames } from '../../../../src/api/v1alpha1/verification.ts';
import { failureReasons } from '../../../../src/errors/catalogue.ts';
import { RunError } from '../../../../src/errors/run-error.ts';

const failureOf = (work: () => void): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof RunError) return `${error.reason}: ${error.detail}`;
    throw error;
  }
};

const known = { factsDigest: 'a'.repeat(64) };
const equal: Compared = { objects: 2, rows: 10, mismatches: [], notWitnessed: [] };

describe('judgeCompared', () => {
  test.each<{ reason: string; compared: Compared; facts?: object; says: string | undefined }>([
    { reason: 'all is equal', compared: equal, says: undefined },
    {
      reason: 'one differs',
      compared: { ...equal, mismatches: ['table a: x'] },
      says: 'ContentDiffers: 1 object of 2 differs: table a: x.',
    },
    {
      reason: 'many differ',
      compared: { ...equal, mismatches: ['a', 'b', 'c', 'd', 'e'] },
      says: 'ContentDiffers: 5 objects of 2 differ: a; b; c and 2 more.',
    },
    {
      reason: 'something is not witnessed',
      compared: { ...equal, notWitnessed: ['rows of a', 'b'] },
      says: 'FactsUnknown: The facts do not witness rows of a, and 1 more; 2 objects with 10 rows were compared and are equal.',
    },
    {
      reason: 'what differs is said first',
      compared: { ...equal, mismatches: ['a'], notWitnessed: ['b'] },
      says: 'ContentDiffers: 1 object of 2 differs: a.',
    },
    {
      reason: 'facts that nobody recorded',
      compared: equal,
      facts: {},
      says: 'FactsUnknown: The facts were not known when the backup was made (2 objects with 10 rows were compared and are equal).',
    },
    {
      reason: 'nothing was compared',
      compared: { ...equal, objects: 0 },
      says: 'FactsUnknown: The facts name nothing, so nothing was compared.',
    },
  ])('$reason', ({ compared, facts = known, says }) => {
    expect(failureOf(() => judgeCompared(compared, facts))).toBe(says);
  });
});

describe('judgeQuery', () => {
  test.each([
    { reason: 'the same', given: '1\t2', expect: '1\t2', says: undefined },
    { reason: 'an end of line after the last line is none', given: '1\t2\n', expect: '1\t2', says: undefined },
    { reason: 'nor is one in the policy', given: '1', expect: '1\r\n', says: undefined },
    { reason: 'another value', given: '1\n3', expect: '1\n2', says: /gave 2 lines, of which line 2 is not/ },
    { reason: 'a line more', given: '1\n2', expect: '1', says: /gave 2 lines, of which line 2 .*1 line expected/ },
    { reason: 'a line less', given: '1', expect: '1\n2', says: /gave 1 line, of which line 2/ },
    { reason: 'nothing, where something is expected', given: '', expect: '0', says: /line 1/ },
    { reason: 'blanks count', given: '1 ', expect: '1', says: /line 1/ },
  ])('$reason', ({ given, expect: expected, says }) => {
    const failure = failureOf(() => judgeQuery(given, { number: 1, expect: expected }));
    expect(failure ?? 'as expected').toMatch(says ?? /^as expected$/);
    expect(failure ?? '').not.toContain('\t');
  });
});

describe('reports', () => {
  const same = (text: string): string => text;

  test('no failure reads as verified, and only what says something of the backup as failed', () => {
    const failed = failureReasons.filter((reason) => outcomeOf(reason) === 'Failed');
    expect(failed.toSorted()).toEqual([
      'BackupDamaged',
      'BackupNotLoadable',
      'ContentDiffers',
      'KeyDoesNotOpen',
      'QueryFailed',
    ]);
    expect(failureReasons.filter(isDamage).toSorted()).toEqual([
      'BackupDamaged',
      'BackupNotLoadable',
      'ContentDiffers',
    ]);
  });

  test('verified needs all four checks, whatever was said', () => {
    const finding = newFinding();
    for (const name of checkNames) {
      finding.outcome = 'Verified';
      expect(reportOf(finding, same).outcome).toBe('CouldNotVerify');
      passed(finding, name, 'seen');
    }
    expect(reportOf(finding, same).outcome).toBe('Verified');
    finding.outcome = 'Failed';
    expect(reportOf(finding, same).outcome).toBe('Failed');
  });

  test('a run that was stopped: what was seen stays, the rest is unknown, and why', () => {
    const finding = newFinding();
    passed(finding, 'created', 'seen');
    const report = reportOf(finding, same, { reason: 'Interrupted' });
    expect(report).toMatchObject({
      outcome: 'CouldNotVerify',
      checks: {
        created: { outcome: 'Passed', evidence: 'seen' },
        readable: { outcome: 'Unknown', evidence: expect.stringContaining('Interrupted') },
      },
    });
  });

  test('a check that failed inside a step, its words redacted and short', () => {
    const finding = newFinding();
    const error = new CheckFailed('readable', 'BackupDamaged', `secret ${'x'.repeat(300)}`).of('chain-a');
    endFinding(finding, new StepFailure('Fetch', error));
    const { outcome, checks } = reportOf(finding, (text) => text.replaceAll('secret', '[redacted]'));
    expect([outcome, checks.readable.outcome, checks.readable.evidence.length]).toEqual(['Failed', 'Failed', 160]);
    expect(checks.readable.evidence).toMatch(/^\[redacted\] x/);
    expect(error.message).toMatch(/^chain-a: secret x/);
  });
});
