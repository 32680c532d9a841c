import * as fc from 'fast-check';
import { fitResult } from '../../../src/agent/fit-result.ts';
import { plainText, shorten } from '../../../src/agent/text.ts';
import { catalogue, type FailureReason } from '../../../src/errors/catalogue.ts';
import { maxResultBytes, result, runSteps, type Result } from '../../../src/api/v1alpha1/result.ts';
import { runKinds } from '../../../src/api/v1alpha1/recovery-points.ts';

const text = (max: number) =>
  fc.string({ unit: 'grapheme', maxLength: max }).map((value) => shorten(plainText(value), max));
const time = fc.constant('2026-11-22T01:00:03Z');
const digest = fc.constant('a'.repeat(64));
const short = fc.constant('a'.repeat(16));
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const jobName = fc.string({ minLength: 1, maxLength: 253, unit: fc.constantFrom('a', '-', '9') });
const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const point = {
  dataTime: time,
  completionTime: time,
  durationSeconds: count,
  sizeBytes: count,
  jobName,
  factsDigest: maybe(digest),
};
const set = fc.record({ ...point, setTime: time, sentBytes: count, setDigest: digest });

const check = fc.record({
  outcome: fc.constantFrom('Passed' as const, 'Failed' as const, 'Unknown' as const),
  evidence: text(160),
});
const report = fc.record({
  outcome: fc.constantFrom('Verified' as const, 'Failed' as const, 'CouldNotVerify' as const),
  set: maybe(
    fc.record({
      type: fc.constantFrom('Full' as const, 'Incremental' as const),
      setTime: time,
      dataTime: time,
      chain: fc.constant('chain-20261122T010500Z'),
      setDigest: digest,
      factsDigest: maybe(digest),
      source: maybe(short),
    }),
  ),
  checks: fc.record({ created: check, readable: check, complete: check, restorable: check }),
  objectsCompared: maybe(count),
  rowsCompared: maybe(count),
  mismatches: maybe(fc.record({ count, named: fc.array(text(80), { maxLength: 10 }) })),
  sourceBytes: maybe(count),
  seconds: maybe(fc.record({ fetch: fc.constant(1234.5), load: fc.constant(1234.5), compare: fc.constant(1234.5) })),
  queries: maybe(short),
  server: maybe(text(64)),
});

const restore = fc.record({
  point: maybe(
    fc.record({
      set: fc.record({
        type: fc.constantFrom('Full' as const, 'Incremental' as const),
        setTime: time,
        dataTime: time,
        chain: fc.constant('chain-20261122T010500Z'),
        setDigest: digest,
        factsDigest: maybe(digest),
        source: maybe(short),
      }),
      verifiedTime: maybe(time),
      sets: count,
      storedBytes: count,
      sourceBytes: maybe(count),
      sourceRows: maybe(count),
      server: maybe(text(64)),
      earliest: time,
      latest: time,
    }),
  ),
  destination: maybe(
    fc.record({
      server: maybe(text(64)),
      present: fc.boolean(),
      objects: count,
      rows: maybe(count),
      missing: fc.array(text(80), { maxLength: 5 }),
      missingCount: count,
      expectedRows: maybe(count),
      expectedTime: maybe(time),
      healthy: fc.boolean(),
      summary: text(240),
    }),
  ),
  fetched: maybe(fc.record({ bytes: count, seconds: fc.constant(1234.5) })),
  compared: maybe(
    fc.record({
      objects: count,
      rows: count,
      factsDigest: maybe(digest),
      loadSeconds: maybe(fc.constant(1234.5)),
      compareSeconds: maybe(fc.constant(1234.5)),
      server: maybe(text(64)),
    }),
  ),
  safetyCopy: maybe(
    fc.record({
      kind: fc.constantFrom('Databases' as const, 'LocalCopy' as const, 'None' as const),
      names: fc.array(text(160), { maxLength: 8 }),
      count,
      howToUse: maybe(text(320)),
    }),
  ),
  state: maybe(fc.constantFrom('Untouched' as const, 'Replaced' as const, 'PutBack' as const, 'Unavailable' as const)),
});

const results: fc.Arbitrary<Result> = fc
  .record({
    version: fc.constant(1 as const),
    container: fc.constantFrom('dump' as const, 'ship' as const),
    kind: fc.constantFrom(...runKinds),
    outcome: fc.constantFrom('Succeeded' as const, 'Failed' as const),
    startTime: time,
    completionTime: time,
    repository: maybe(short),
    failure: maybe(
      fc.record({
        step: fc.constantFrom(...runSteps),
        reason: fc.constantFrom(...(Object.keys(catalogue) as FailureReason[])),
        message: text(640),
      }),
    ),
    dump: maybe(fc.record({ startTime: time, endTime: time })),
    verification: maybe(fc.record({ latest: report, older: maybe(report) })),
    restore: maybe(restore),
    notes: fc.array(fc.record({ reason: fc.constant('NotCovered' as const), message: text(320) }), { maxLength: 2 }),
    newest: fc.record({
      localCopy: maybe(
        fc.record({
          ...point,
          name: fc.constant('20261122T010003Z'),
          notCovered: maybe(fc.array(text(160), { maxLength: 4 })),
        }),
      ),
      full: maybe(set),
      incremental: maybe(set),
      chain: maybe(
        fc.record({
          fullTime: time,
          incrementals: count,
          intact: fc.boolean(),
          checkedTime: time,
          problem: maybe(text(256)),
        }),
      ),
      copies: maybe(
        fc.record({
          count,
          newest: fc.array(
            fc.record({
              name: fc.constant('20261122T010003Z'),
              sizeBytes: count,
              shipped: maybe(fc.constant(true as const)),
            }),
            { maxLength: 8 },
          ),
        }),
      ),
      recovery: maybe(
        fc.record({
          checkedTime: time,
          earliest: maybe(time),
          offSite: maybe(time),
          source: maybe(short),
          earliestSource: maybe(short),
        }),
      ),
    }),
  })
  // A container verifies or restores, or does neither.
  .map(({ verification, ...value }) => (value.restore === undefined ? { ...value, verification } : value))
  .map((value) => result.parse(JSON.parse(JSON.stringify(value))));

test('a result always fits, is valid, and keeps how the run ended', () => {
  fc.assert(
    fc.property(results, (value) => {
      const line = fitResult(value);
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(maxResultBytes);
      expect(line.isWellFormed()).toBe(true);
      const read = result.parse(JSON.parse(line));
      const { version, container, kind, outcome, startTime, completionTime } = value;
      expect(read).toMatchObject({ version, container, kind, outcome, startTime, completionTime });
      expect(read.failure?.reason).toBe(value.failure?.reason);
      expect(read.failure?.step).toBe(value.failure?.step);
      for (const which of ['latest', 'older'] as const) {
        const [found, given] = [read.verification?.[which], value.verification?.[which]];
        expect(found?.outcome).toBe(given?.outcome);
        expect(found?.set).toEqual(given?.set);
        expect(found?.mismatches?.count).toBe(given?.mismatches?.count);
        for (const name of ['created', 'readable', 'complete', 'restorable'] as const)
          expect(found?.checks[name].outcome).toBe(given?.checks[name].outcome);
      }
      expect(evidenceIn(read)).toEqual(evidenceIn(value));
    }),
    { numRuns: 1000 },
  );
});

/** What of a restore no want of space takes away: all but names and words. */
const evidenceIn = ({ restore: report }: Result): unknown => {
  if (report === undefined) return undefined;
  const { point, destination, fetched, compared, safetyCopy, state } = report;
  const { server: _of, ...ofPoint } = point ?? {};
  const { server: _at, summary: _summary, missing: _missing, ...ofDestination } = destination ?? {};
  const { server: _in, ...ofCompared } = compared ?? {};
  const { kind, count: names } = safetyCopy ?? {};
  return { ofPoint, ofDestination, fetched, ofCompared, kind, names, state };
};

test('of a restore messages go before names, and older points before both', () => {
  const names = Array.from({ length: 4 }, (_, index) => `holdfast_0123abcd_old_${'n'.repeat(40)}${index}`);
  const localCopy = {
    dataTime: '2026-11-22T01:00:03Z',
    completionTime: '2026-11-22T01:00:09Z',
    durationSeconds: 6,
    sizeBytes: 1,
    jobName: 'j'.repeat(253),
    name: '20261122T010003Z',
  };
  const safetyCopy = { kind: 'Databases' as const, names, count: 4, howToUse: 'h'.repeat(320) };
  const read = result.parse(
    JSON.parse(
      fitResult({
        version: 1,
        container: 'swap',
        kind: 'Restore',
        outcome: 'Failed',
        startTime: '2026-11-22T01:00:00Z',
        completionTime: '2026-11-22T01:00:09Z',
        failure: { step: 'Swap', reason: 'ExchangeFailed', message: 'x'.repeat(640) },
        notes: [1, 2].map(() => ({ reason: 'LeftBehind' as const, message: 'y'.repeat(320) })),
        restore: { state: 'PutBack', safetyCopy },
        newest: { localCopy },
      }),
    ),
  );
  expect(read.restore).toEqual({ state: 'PutBack', safetyCopy });
  expect(read.newest).toEqual({});
  expect(read.notes[0]?.message.length).toBeLessThan(320);
});

test('what fits is not touched', () => {
  fc.assert(
    fc.property(results, (value) => {
      fc.pre(Buffer.byteLength(JSON.stringify(value)) <= maxResultBytes);
      expect(JSON.parse(fitResult(value))).toEqual(value);
    }),
  );
});

test('notes go before the newest points', () => {
  const notes = [1, 2].map(() => ({ reason: 'NotCovered' as const, message: '🐑'.repeat(160) }));
  const localCopy = {
    dataTime: '2026-11-22T01:00:03Z',
    completionTime: '2026-11-22T01:00:09Z',
    durationSeconds: 6,
    sizeBytes: 1,
    jobName: 'j'.repeat(253),
    name: '20261122T010003Z',
  };
  const times = { fullTime: '2026-11-15T01:05:00Z', checkedTime: '2026-11-22T01:05:00Z' };
  const chain = { ...times, incrementals: 6, intact: false, problem: 'p'.repeat(256) };
  const read = result.parse(
    JSON.parse(
      fitResult({
        version: 1,
        container: 'dump',
        kind: 'Full',
        outcome: 'Failed',
        startTime: '2026-11-22T01:00:00Z',
        completionTime: '2026-11-22T01:00:09Z',
        failure: { step: 'Dump', reason: 'DumpFailed', message: 'x'.repeat(640) },
        notes,
        newest: { localCopy, chain },
      }),
    ),
  );
  expect(read.newest).toEqual({ localCopy, chain });
  expect(read.notes.length).toBeLessThan(2);
  expect(read.failure?.message).toHaveLength(640);
});

test('of a verification the words of the older set go first', () => {
  const point = { outcome: 'Passed' as const, evidence: 'e'.repeat(160) };
  const one = {
    outcome: 'Failed' as const,
    checks: { created: point, readable: point, complete: point, restorable: { ...point, outcome: 'Failed' as const } },
    mismatches: { count: 50, named: Array.from({ length: 10 }, () => 'n'.repeat(80)) },
  };
  const read = result.parse(
    JSON.parse(
      fitResult({
        version: 1,
        container: 'verify',
        kind: 'Verify',
        outcome: 'Failed',
        startTime: '2026-11-22T01:00:00Z',
        completionTime: '2026-11-22T01:00:09Z',
        notes: [],
        verification: { latest: { ...one, mismatches: { count: 3, named: ['a', 'b', 'c'] } }, older: one },
        newest: {},
      }),
    ),
  );
  expect(read.verification?.latest).toMatchObject({ mismatches: { count: 3, named: ['a', 'b', 'c'] } });
  expect(read.verification?.latest.checks.restorable.evidence).toHaveLength(160);
  expect(read.verification?.older?.mismatches).toEqual({ count: 50, named: ['n', 'n', 'n'].map((n) => n.repeat(80)) });
});

test('two sets that are proven: of the older one its name, so that the evidence of the newest can be read', () => {
  const point = { outcome: 'Passed' as const, evidence: 'e'.repeat(150) };
  const [digest, time, jobName] = ['a'.repeat(64), '2026-11-22T01:00:03Z', 'agama-verify-29410590'];
  const set = { type: 'Full' as const, setTime: time, dataTime: time, chain: 'chain-20261122T010003Z' };
  const source = 'c'.repeat(16);
  const report = {
    outcome: 'Verified' as const,
    set: { ...set, setDigest: digest, factsDigest: digest, source },
    checks: { created: point, readable: point, complete: point, restorable: point },
    objectsCompared: 11,
    rowsCompared: 201_950,
    mismatches: { count: 0, named: [] },
    sourceBytes: 24_769_538,
    seconds: { fetch: 9.6, load: 2.2, compare: 0.5 },
    server: 'mariadb 10.11.19',
  };
  const sizes = { durationSeconds: 10, sizeBytes: 24_769_538, jobName, factsDigest: digest };
  const times = { dataTime: time, completionTime: time };
  const stored = { ...times, ...sizes, setTime: time, sentBytes: 1, setDigest: digest };
  const read = result.parse(
    JSON.parse(
      fitResult({
        version: 1,
        container: 'verify',
        kind: 'Verify',
        outcome: 'Succeeded',
        startTime: time,
        completionTime: time,
        repository: 'd'.repeat(16),
        notes: [],
        verification: { latest: report, older: report },
        newest: {
          localCopy: { ...times, ...sizes, name: '20261122T010003Z' },
          full: stored,
          incremental: stored,
          chain: { fullTime: time, incrementals: 1, intact: true, checkedTime: time },
          recovery: { checkedTime: time, earliest: time, offSite: time, source, earliestSource: source },
        },
      }),
    ),
  );
  const { restorable } = read.verification?.latest.checks ?? {};
  expect(restorable?.evidence.length).toBeGreaterThanOrEqual(119);
  expect(read.verification?.older).toMatchObject({ outcome: 'Verified', set: report.set });
});

test('a full with everything keeps what can be restored, and of the local copies the newest', () => {
  const jobName = `${'a'.repeat(52)}-29410590`;
  const facts = { factsDigest: 'a'.repeat(64) };
  const sizes = { durationSeconds: 1234, sizeBytes: 123_456_789_012, jobName, ...facts };
  const times = { dataTime: '2026-11-22T01:00:03Z', completionTime: '2026-11-22T01:00:09Z' };
  const set = { ...times, ...sizes, setTime: times.dataTime, sentBytes: 123_456_789_012, setDigest: 'b'.repeat(64) };
  const copy = { name: '20261122T010003Z', sizeBytes: 123_456_789_012, shipped: true as const };
  const about = { source: 'c'.repeat(16), earliestSource: 'c'.repeat(16) };
  const recovery = { checkedTime: times.completionTime, earliest: times.dataTime, offSite: times.dataTime, ...about };
  const read = result.parse(
    JSON.parse(
      fitResult({
        version: 1,
        container: 'ship',
        kind: 'Incremental',
        outcome: 'Succeeded',
        startTime: times.dataTime,
        completionTime: times.completionTime,
        repository: 'd'.repeat(16),
        made: 'Incremental',
        notes: [],
        newest: {
          localCopy: { ...times, ...sizes, name: copy.name },
          full: set,
          incremental: set,
          chain: { fullTime: times.dataTime, incrementals: 6, intact: true, checkedTime: times.completionTime },
          copies: { count: 100, newest: Array.from({ length: 8 }, () => copy) },
          recovery,
        },
      }),
    ),
  );
  expect(read.newest).toMatchObject({ full: set, incremental: set, recovery, copies: { count: 100 } });
  expect(read.newest.copies?.newest[0]).toEqual(copy);
});

test('text is cut between code points and keeps its limit', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 0, max: 40 }), (value, max) => {
      const plain = plainText(value);
      const short = shorten(plain, max);
      expect(short.length).toBeLessThanOrEqual(max);
      expect(short.isWellFormed()).toBe(true);
      expect(short).not.toMatch(/\p{Cc}/u);
      expect(short === plain).toBe(plain.length <= max);
    }),
  );
});
