import * as fc from 'fast-check';
import type { BackupPolicyStatus } from '../../../src/api/v1alpha1/backuppolicy.ts';
import { createZones } from '../../../src/cron/zones.ts';
import type { KubeObject } from '../../../src/kube/types.ts';
import { readRuns } from '../../../src/policy/run-reports.ts';
import { judgePolicy } from '../../../src/policy/status.ts';
import { rawPolicy, subjectOfSpec, type Json } from '../../support/operator/policies.ts';
import { observedOf, rawCronJob, rawJob, rawPod, resultOf, verificationOf } from '../../support/operator/runs.ts';

// Conditions on a simulated clock: random histories of runs, failures, verifications and absences of the operator, looked at now and then,
// against an oracle that is told the whole history at once and knows nothing of status. In most of them somebody changes what the spec names. HOLDFAST_HISTORIES=10000 plays as many.

const histories = Number(process.env['HOLDFAST_HISTORIES'] ?? 200);

const hour = 3600;
const day = 24 * hour;
/** Three weeks, over the end of summer time in Tallinn on 25 October. */
const beginning = Date.parse('2026-10-12T12:00:00Z') / 1000;
const days = 21;
const textOf = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
const compact = (seconds: number): string => textOf(seconds).replaceAll(/[-:]/g, '');

// The clock on the wall, asked of Intl alone.
const wall = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/Tallinn',
  weekday: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const everyHour = Array.from({ length: (days + 1) * 24 }, (_, index) => beginning + index * hour);
const slotsOf = (shown: RegExp): number[] => everyHour.filter((seconds) => shown.test(wall.format(seconds * 1000)));
const fullSlots = slotsOf(/01:00$/);
const verifySlots = slotsOf(/^Sun.*05:00$/);

type FullEnd = 'ok' | 'failed' | 'lost' | 'missed';
type Named = 'repository' | 'encryption' | 'source';
type VerifyEnd = 'Verified' | 'Failed' | 'CouldNotVerify' | 'lost' | 'missed';

interface Full {
  slot: number;
  end: FullEnd;
  dataTime: number;
  ended: number;
  megabytes: number;
}
interface Verification {
  slot: number;
  end: VerifyEnd;
  ended: number;
  seconds: number;
  /** What was newest then, and is looked at. */
  of: Full | undefined;
}
interface World {
  fulls: Full[];
  verifications: Verification[];
  looks: number[];
  /** When nobody looks. */
  away: { from: number; until: number };
  objective: { rpo: string; rto: string };
  /** When the spec names another one, if it ever does. */
  change: { what: Named | undefined; at: number };
}

const damagedBefore = (verifications: readonly Verification[], time: number): Set<number> =>
  new Set(verifications.flatMap(({ end, ended, of }) => (end === 'Failed' && ended <= time && of ? [of.slot] : [])));

/**
 * Of two runs that leave no word one after the other the second does: three would push the last word out of what CronJob keeps before anybody
 * has looked, and then nobody can know.
 */
const withoutSilence = <T extends { end: string }>(runs: readonly T[], end: T['end']): T[] => {
  let lost = false;
  return runs.map((run) => {
    const silent = run.end === 'lost' && lost;
    if (run.end !== 'missed' && run.end !== 'failed') lost = run.end === 'lost' && !lost;
    return silent ? { ...run, end } : run;
  });
};

/** Whether what started at two times found the same place to store. */
const isSamePlace = ({ what, at }: World['change'], a: number, b: number): boolean =>
  what === undefined || what === 'source' || a < at === b < at;

const worlds: fc.Arbitrary<World> = fc
  .record({
    fulls: fc.array(
      fc.record({
        end: fc.constantFrom<FullEnd>('ok', 'ok', 'ok', 'ok', 'failed', 'lost', 'missed'),
        minutes: fc.integer({ min: 1, max: 300 }),
        megabytes: fc.integer({ min: 1, max: 30 }),
      }),
      { minLength: fullSlots.length, maxLength: fullSlots.length },
    ),
    verifications: fc.array(
      fc.record({
        end: fc.constantFrom<VerifyEnd>(
          'Verified',
          'Verified',
          'Verified',
          'Failed',
          'CouldNotVerify',
          'lost',
          'missed',
        ),
        seconds: fc.integer({ min: 1, max: 3000 }),
        /** Asked for by hand between two Sundays, or of the schedule. */
        later: fc.constantFrom(0, 0, 3 * day),
      }),
      { minLength: verifySlots.length, maxLength: verifySlots.length },
    ),
    looks: fc.array(fc.integer({ min: 0, max: days * day }), { minLength: 2, maxLength: 7 }),
    away: fc.record({ from: fc.integer({ min: 1, max: days * day }), length: fc.integer({ min: 0, max: 8 * day }) }),
    objective: fc.record({ rpo: fc.constantFrom('25h', '3d', '1w2d'), rto: fc.constantFrom('10m', '1h') }),
    change: fc.record({
      what: fc.constantFrom<Named | undefined>(undefined, 'repository', 'encryption', 'source'),
      at: fc.integer({ min: 1, max: days * day }).map((offset) => beginning + offset),
    }),
  })
  .map(({ fulls, verifications, looks, away, objective, change }) => {
    const all = fullSlots.map((slot, index): Full => {
      const { end = 'missed', minutes = 1, megabytes = 1 } = fulls[index] ?? {};
      return { slot, end, megabytes, dataTime: slot + 5, ended: slot + 60 * minutes };
    });
    const made = withoutSilence(all, 'ok');
    const checks = withoutSilence(verifications, 'CouldNotVerify');
    const proven: Verification[] = [];
    for (const [index, slot] of verifySlots.entries()) {
      const { end: ended = 'missed', seconds = 1, later = 0 } = checks[index] ?? {};
      const started = slot + later;
      // Where one left no word before the change, nobody can tell of which place it was.
      const end = ended === 'lost' && change.what !== undefined && started < change.at ? 'CouldNotVerify' : ended;
      const damaged = damagedBefore(proven, started);
      const of = made.findLast(
        (full) =>
          full.end === 'ok' &&
          full.ended <= started &&
          !damaged.has(full.slot) &&
          isSamePlace(change, full.slot, started),
      );
      proven.push({ slot: later === 0 ? slot : started, end, seconds, ended: started + 1800, of });
    }
    const times = [0, ...looks, days * day].map((offset) => beginning + offset).toSorted((a, b) => a - b);
    return {
      fulls: made.filter(({ end }) => end !== 'missed'),
      verifications: proven.filter(({ end, of }) => end !== 'missed' && (of !== undefined || end === 'lost')),
      looks: times,
      away: { from: beginning + away.from, until: beginning + away.from + away.length },
      objective,
      change,
    };
  });

// What the cluster shows of it.

const others: Readonly<Record<Named, Json>> = {
  repository: { repository: { rsync: { path: '/elsewhere' } } },
  encryption: { encryption: { gpg: undefined, passphraseSecretRef: { name: 'a-passphrase' } } },
  source: { source: { mysql: { databases: ['agama', 'billing'] } } },
};
const namedAt = ({ change: { what, at } }: World, time: number): Json =>
  what === undefined || time < at ? {} : others[what];
const subjects = {
  before: subjectOfSpec(),
  repository: subjectOfSpec(others.repository),
  encryption: subjectOfSpec(others.encryption),
  source: subjectOfSpec(others.source),
};
/** What a run that started then is told that it is about. */
const subjectAt = ({ change: { what, at } }: World, time: number) =>
  subjects[what === undefined || time < at ? 'before' : what];

const spec = (world: World, now: number): Json => ({
  ...namedAt(world, now),
  schedule: { localCopy: undefined, incremental: undefined, full: '0 1 * * *', verify: '0 5 * * 0' },
  objectives: { recoveryPointObjective: world.objective.rpo, recoveryTimeObjective: world.objective.rto },
});

const chainOf = ({ dataTime }: Full): string => `chain-${compact(dataTime)}`;
const digestOf = ({ dataTime }: Full): string => dataTime.toString(16).padStart(64, '0');
const setOf = (world: World, full: Full) => ({
  type: 'Full' as const,
  setTime: textOf(full.dataTime + 10),
  dataTime: textOf(full.dataTime),
  chain: chainOf(full),
  setDigest: digestOf(full),
  factsDigest: digestOf(full),
  source: subjectAt(world, full.slot).source,
});

const jobOf = (kind: 'Full' | 'Verify', slot: number, ended: number, end: string): KubeObject => {
  const options = { kind, jobName: `agama-${kind.toLowerCase()}-${slot}`, time: textOf(ended) };
  const job = rawJob(options, end === 'ok' || end === 'lost' || end === 'Verified' ? 'Complete' : 'Failed');
  return { ...job, metadata: { ...job.metadata, creationTimestamp: textOf(slot) } };
};

const fullPod = (full: Full, world: World): KubeObject => {
  const { fulls, verifications, change } = world;
  const { repository } = subjectAt(world, full.slot);
  const options = { kind: 'Full', jobName: `agama-full-${full.slot}`, time: textOf(full.ended) } as const;
  if (full.end === 'failed') {
    const failure = { step: 'Connect', reason: 'AccessDenied', message: 'No.' };
    const message = JSON.stringify(resultOf('dump', options, { repository, outcome: 'Failed', failure, newest: {} }));
    return rawPod(options, [{ name: 'dump', exitCode: 1, message }, { name: 'ship' }], 'Failed');
  }
  const damaged = damagedBefore(verifications, full.ended);
  const whole = fulls.filter(
    ({ end, ended, slot }) =>
      end === 'ok' && ended <= full.ended && !damaged.has(slot) && isSamePlace(change, slot, full.slot),
  );
  const [oldest, youngest] = [whole[0] ?? full, whole.at(-1) ?? full];
  const point = {
    dataTime: textOf(full.dataTime),
    completionTime: textOf(full.ended),
    durationSeconds: 60,
    sizeBytes: full.megabytes * 1_000_000,
    jobName: options.jobName,
    factsDigest: digestOf(full),
  };
  const newest = {
    localCopy: { ...point, name: compact(full.dataTime) },
    full: { ...point, setTime: textOf(full.dataTime + 10), sentBytes: 1, setDigest: digestOf(full) },
    chain: { fullTime: textOf(full.dataTime + 10), incrementals: 0, intact: true, checkedTime: textOf(full.ended) },
    recovery: {
      checkedTime: textOf(full.ended),
      earliest: textOf(oldest.dataTime),
      offSite: textOf(youngest.dataTime),
      source: subjectAt(world, youngest.slot).source,
      earliestSource: subjectAt(world, oldest.slot).source,
    },
  };
  const results = [
    resultOf('dump', options, { repository, newest: {} }),
    resultOf('ship', options, { repository, newest }),
  ];
  const [dump, ship] = results.map((result) => JSON.stringify(result));
  return rawPod(options, [
    { name: 'dump', ...(dump && { message: dump }) },
    { name: 'ship', ...(ship && { message: ship }) },
  ]);
};

const verifyPod = (world: World, { slot, end, ended, seconds, of }: Verification): KubeObject => {
  const { repository } = subjectAt(world, slot);
  const options = { kind: 'Verify', jobName: `agama-verify-${slot}`, time: textOf(ended) } as const;
  const passed = end === 'Verified';
  const report = {
    outcome: end === 'lost' ? ('CouldNotVerify' as const) : (end as 'Verified'),
    ...(of && { set: setOf(world, of), sourceBytes: of.megabytes * 1_000_000 }),
    seconds: { fetch: seconds, load: 0.4, compare: 0.3 },
  };
  const failure = {
    step: 'Compare',
    reason: end === 'Failed' ? 'ContentDiffers' : 'SandboxUnavailable',
    message: 'Tested.',
  };
  const changes = passed ? {} : { outcome: 'Failed', failure };
  const verification = verificationOf(report);
  const message = JSON.stringify(resultOf('verify', options, { repository, verification, ...changes }));
  const fetch = JSON.stringify(resultOf('fetch', options, { repository }));
  const containers = [
    { name: 'fetch', message: fetch },
    { name: 'verify', message, exitCode: passed ? 0 : 1 },
  ];
  return rawPod(options, containers, passed ? 'Succeeded' : 'Failed');
};

/** As the API server shows it: CronJob keeps three ended Jobs of each kind that succeeded, and three that failed. */
const clusterAt = (world: World, now: number, previous: BackupPolicyStatus | undefined) => {
  const isGood = (end: string): boolean => end === 'ok' || end === 'lost' || end === 'Verified';
  const kept = <T extends { end: string; ended: number }>(runs: readonly T[]): T[] => {
    const ended = runs.filter((run) => run.ended <= now);
    return [true, false].flatMap((good) => ended.filter(({ end }) => isGood(end) === good).slice(-3));
  };
  const fulls = kept(world.fulls);
  const verifications = kept(world.verifications);
  const lastScheduleTime = world.fulls.findLast(({ slot }) => slot <= now)?.slot;
  const fullCronJob = rawCronJob({ kind: 'Full' });
  const raw = rawPolicy({ spec: spec(world, now), status: previous });
  return observedOf({
    policy: { ...raw, metadata: { ...raw.metadata, creationTimestamp: textOf(beginning) } },
    cronJobs: [
      lastScheduleTime === undefined
        ? fullCronJob
        : { ...fullCronJob, status: { lastScheduleTime: textOf(lastScheduleTime) } },
      rawCronJob({ kind: 'Verify' }),
    ],
    jobs: [
      ...fulls.map(({ slot, ended, end }) => jobOf('Full', slot, ended, end)),
      ...verifications.map(({ slot, ended, end }) => jobOf('Verify', slot, ended, end)),
    ],
    pods: [
      ...fulls.filter(({ end }) => end !== 'lost').map((full) => fullPod(full, world)),
      ...verifications.filter(({ end }) => end !== 'lost').map((run) => verifyPod(world, run)),
    ],
  });
};

const zones = createZones();
const lookAt = (world: World, seconds: number, previous: BackupPolicyStatus | undefined) => {
  const observed = clusterAt(world, seconds, previous);
  const now = new Date(seconds * 1000);
  const { status, wakeAt } = judgePolicy({ observed, problems: [], runs: readRuns(observed, now), zones, now });
  // As it comes back after a restart.
  return { status: JSON.parse(JSON.stringify(status)) as BackupPolicyStatus, wakeAt };
};

// The oracle.

type Truth = 'True' | 'False' | 'Unknown';
const spans = { '25h': 25 * hour, '3d': 3 * day, '1w2d': 9 * day, '10m': 600, '1h': hour } as const satisfies Record<
  string,
  number
>;
const spanOf = (text: string): number => spans[text as keyof typeof spans];

/** @param looks when somebody looked: what was stored where the spec stores no longer is known only to who saw it before */
const truthAt = (world: World, now: number, looks: readonly number[]): Record<string, Truth> => {
  const { change } = world;
  const hasChanged = change.what !== undefined && now >= change.at;
  const fulls = world.fulls.filter(({ ended }) => ended <= now).toSorted((a, b) => a.ended - b.ended);
  const allGood = fulls.filter(({ end }) => end === 'ok');
  const here = allGood.filter(({ slot }) => isSamePlace(change, slot, now));
  // Until a backup is where the spec stores now, what is known is of the place before, and proves nothing.
  const wasSeen = looks.some((look) => look < change.at && allGood.some(({ ended }) => ended <= look));
  const isElsewhere = here.length === 0 && wasSeen;
  const good = isElsewhere ? allGood : here;
  const checks = world.verifications.filter(
    ({ slot, ended }) => ended <= now && (isElsewhere || isSamePlace(change, slot, now)),
  );
  const unlessElsewhere = (truth: Truth): Truth => (truth === 'True' && isElsewhere ? 'Unknown' : truth);
  /** What was dumped before the change holds what the spec named then. */
  const unlessOfBefore = (truth: Truth, of: Full | undefined): Truth =>
    truth === 'True' && change.what === 'source' && hasChanged && of !== undefined && of.slot < change.at
      ? 'Unknown'
      : unlessElsewhere(truth);
  const verified = checks.findLast(({ end }) => end === 'Verified');
  const failed = checks.findLast(({ end }) => end === 'Failed');
  const isBad = failed !== undefined && (verified === undefined || failed.ended >= verified.ended);

  const verifiedTruth = ((): Truth => {
    if (isBad) return 'False';
    const newest = checks.at(-1);
    if (verified === undefined || newest !== verified) return 'Unknown';
    const isOverdue = verifySlots.filter((slot) => slot > verified.ended && slot <= now).length >= 2;
    return isOverdue ? 'Unknown' : unlessOfBefore('True', verified.of);
  })();

  const pointTruth = ((): Truth => {
    // The listing of the newest backup, without what the newest verification that failed has taken since.
    const listing = good.at(-1);
    const marked = listing === undefined ? new Set<number>() : damagedBefore(world.verifications, listing.ended);
    const whole = good.filter(({ slot }) => !marked.has(slot));
    const usable = [whole.at(-1), whole[0]].filter((full) => full !== undefined && full.slot !== failed?.of?.slot);
    const newest = usable[0];
    if (now < (newest?.dataTime ?? beginning) + spanOf(world.objective.rpo))
      return newest === undefined ? 'Unknown' : unlessOfBefore('True', newest);
    return 'False';
  })();

  const timeTruth = ((): Truth => {
    const today = allGood.at(-1);
    if (verified?.of === undefined || today === undefined) return 'Unknown';
    const took = Math.ceil(verified.seconds + 0.4 + 0.3);
    const grown = Math.max(today.megabytes, verified.of.megabytes) / verified.of.megabytes;
    return Math.ceil(took * grown) <= spanOf(world.objective.rto) ? unlessOfBefore('True', verified.of) : 'False';
  })();

  const started = (
    slots: readonly number[],
    runs: readonly { slot: number; ended: number }[],
    counted: number,
  ): boolean => {
    const due = slots.filter((slot) => slot > beginning && slot + hour + 300 <= now).at(-1);
    return (
      due === undefined ||
      counted >= due ||
      runs.some(({ slot, ended }) => ended <= now && Math.max(slot, ended) >= due)
    );
  };
  const scheduled = Math.max(0, ...world.fulls.map(({ slot }) => slot).filter((slot) => slot <= now));
  const onTime = started(fullSlots, world.fulls, scheduled) && started(verifySlots, world.verifications, 0);

  const last = fulls.at(-1)?.end;
  const wasHere = isSamePlace(change, fulls.at(-1)?.slot ?? now, now);
  const truths: Record<string, Truth> = {
    LastBackupSucceeded: last === 'ok' && wasHere ? 'True' : last === 'failed' ? 'False' : 'Unknown',
    ChainIntact: good.length > 0 ? unlessElsewhere('True') : 'Unknown',
    Verified: verifiedTruth,
    RecoveryPointMet: pointTruth,
    RecoveryTimeMet: timeTruth,
    RunsOnTime: onTime ? 'True' : 'False',
  };
  const all = Object.values(truths);
  return {
    ...truths,
    Protected: all.includes('False') ? 'False' : all.every((one) => one === 'True') ? 'True' : 'Unknown',
  };
};

const conditionsOf = ({ conditions = [] }: BackupPolicyStatus): Record<string, string> =>
  Object.fromEntries(conditions.filter(({ type }) => type !== 'Ready').map(({ type, status }) => [type, status]));

/** A status without when its conditions turned: who was away learns of that later. */
const withoutTurns = ({ conditions = [], storedIn, ...status }: BackupPolicyStatus) => ({
  ...status,
  storedIn: { ...storedIn, since: undefined },
  conditions: conditions.map(({ lastTransitionTime: _when, ...condition }) => condition),
});

const seenTrue = new Map<string, number>();

test(`${histories} histories: at every look all conditions are what is true, also after an absence and a restart`, () => {
  fc.assert(
    fc.property(worlds, (world) => {
      let present: BackupPolicyStatus | undefined;
      let absent: BackupPolicyStatus | undefined;
      const looks: { present: number[]; absent: number[] } = { present: [], absent: [] };
      for (const seconds of world.looks) {
        const { status } = lookAt(world, seconds, present);
        looks.present.push(seconds);
        const truth = truthAt(world, seconds, looks.present);
        expect([textOf(seconds), conditionsOf(status)]).toEqual([textOf(seconds), truth]);
        for (const [type, is] of Object.entries(truth))
          seenTrue.set(`${type} ${is}`, (seenTrue.get(`${type} ${is}`) ?? 0) + 1);
        present = status;
        const isAway = seconds > world.away.from && seconds < world.away.until;
        if (isAway && seconds !== world.looks.at(-1)) continue;
        absent = lookAt(world, seconds, absent).status;
        looks.absent.push(seconds);
        expect(conditionsOf(absent)).toEqual(truthAt(world, seconds, looks.absent));
      }
      // Who saw nothing of the place before has nothing to tell of it.
      const isKnownToBoth = absent?.storedIn?.repository === present?.storedIn?.repository;
      expect(withoutTurns((isKnownToBoth ? absent : present) ?? {})).toEqual(withoutTurns(present ?? {}));
    }),
    { numRuns: histories },
  );
});

test('the histories come to everything that a condition can be', () => {
  const all = ['True', 'False', 'Unknown'];
  const possible = ['Protected', 'LastBackupSucceeded', 'Verified', 'RecoveryPointMet', 'RecoveryTimeMet'].flatMap(
    (type) => all.map((is) => `${type} ${is}`),
  );
  expect([...possible, 'RunsOnTime True', 'RunsOnTime False'].filter((one) => !seenTrue.has(one))).toEqual([]);
});

test('nothing turns between a look and the time to look again, with nothing else happening', () => {
  fc.assert(
    fc.property(worlds, fc.nat(), (world, pick) => {
      const seconds = world.looks[pick % world.looks.length] ?? beginning;
      // The cluster as it is now: no further runs.
      const until = (run: { slot: number; ended: number }): boolean => run.ended <= seconds;
      const change = { ...world.change, ...(world.change.at > seconds && { what: undefined }) };
      const still = {
        ...world,
        change,
        fulls: world.fulls.filter(until),
        verifications: world.verifications.filter(until),
      };
      const now = lookAt(still, seconds, lookAt(still, beginning, undefined).status);
      const wakes = now.wakeAt === undefined ? seconds + 60 * day : Math.floor(now.wakeAt.getTime() / 1000);
      expect(wakes).toBeGreaterThan(seconds);
      const before = lookAt(still, wakes - 1, now.status).status;
      expect(conditionsOf(before)).toEqual(conditionsOf(now.status));
    }),
    { numRuns: histories },
  );
});
