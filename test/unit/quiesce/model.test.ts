import * as fc from 'fast-check';
import type { Gate } from '../../../src/api/v1alpha1/gate.ts';
import type { Hold } from '../../../src/quiesce/hold.ts';
import { nextGate, planHold, planRelease, refusal, type Change, type Found } from '../../../src/quiesce/plan.ts';
import type { Workload } from '../../../src/quiesce/workload.ts';

// Two policies, two workloads, a person, and an operator that dies between any two writes: whatever the order of events, a dump is told
// that the workloads are down only while they were, and in the end each has what it had, or what the person said last.

const names = ['shop', 'queue'] as const;

interface App {
  replicas: number;
  pods: number;
  /** How often it was scaled. */
  scalings: number;
  hold: Hold | undefined;
  scaledByUs: boolean;
  /** What it is to have when nobody holds it. */
  expected: number;
  /** The event at which it was last found with a replica or a pod. */
  lastUp: number;
}

interface Dump {
  uid: string;
  until: number;
  runs: boolean;
  gate: Gate | undefined;
  /** The event at which it was first told that all are down. */
  openedAt: number;
}

class Killed extends Error {}

const createWorld = (replicas: readonly number[]) => {
  let ms = Date.parse('2026-11-22T01:00:00Z');
  let step = 0;
  const apps: App[] = names.map((_, index) => {
    const count = replicas[index] ?? 0;
    const rest = { scalings: 0, hold: undefined, scaledByUs: false, lastUp: 0 };
    return { replicas: count, pods: count, expected: count, ...rest };
  });
  const dumps: Dump[] = ['a', 'b'].map((uid) => ({
    uid,
    until: ms + 600_000,
    runs: true,
    gate: undefined,
    openedAt: 0,
  }));
  let opened = 0;

  const view = (index: number): Workload => {
    const app = apps[index];
    if (app === undefined) throw new Error('no such workload');
    const { scalings, replicas: count, hold, scaledByUs } = app;
    const ids = { kind: 'Deployment', name: names[index] ?? '', namespace: 'n', uid: `${index}` } as const;
    const rest = { resourceVersion: '1', observed: true, ours: false, selector: 'a=b' };
    const scale = `${scaledByUs ? 'us' : 'a person'} ${scalings}`;
    return { ...ids, ...rest, replicas: count, hold, scaledByUs, scale };
  };
  const set = (app: App, count: number, byUs: boolean): void => {
    if (app.replicas === count) return;
    app.replicas = count;
    app.scalings += 1;
    app.scaledByUs = byUs;
    if (count > 0) app.lastUp = step;
  };

  /** One reconcile of a policy, as src/quiesce/reconcile.ts does it, with the operator killed after so many writes. */
  const reconcile = (dump: Dump, writesLeft: number): void => {
    let left = writesLeft;
    const write = (doIt: () => void): void => {
      if (left === 0) throw new Killed();
      left -= 1;
      doIt();
    };
    const now = new Date(ms);
    const isActive = (): boolean => dump.runs && ms < dump.until && dump.gate?.state !== 'Refused';
    const apply = (index: number, change: Change | undefined): void => {
      const app = apps[index];
      if (change === undefined || app === undefined) return;
      write(() => {
        app.hold = change.hold;
        if (change.replicas !== undefined) set(app, change.replicas, true);
      });
    };
    for (const index of apps.keys()) {
      apply(
        index,
        planRelease(view(index), ({ uid }) => uid !== dump.uid || isActive()),
      );
    }
    if (!isActive()) return;
    const workloads = names.map((name) => ({ kind: 'Deployment', name }) as const);
    const asker = {
      for: `BackupPolicy/${dump.uid}`,
      pod: dump.uid,
      uid: dump.uid,
      container: 'dump' as const,
      until: new Date(dump.until),
      workloads,
      gate: dump.gate,
    };
    const look = (): Found[] =>
      workloads.map((wanted, index) => ({ wanted, workload: view(index), pods: apps[index]?.pods }));
    if (dump.gate === undefined && look().every((each) => refusal(each) === undefined)) {
      for (const index of apps.keys()) apply(index, planHold(view(index), asker, now));
    }
    const gate = nextGate(asker, look(), now);
    if (gate === undefined) return;
    write(() => {
      if (gate.state === 'Held') {
        if (dump.gate === undefined) {
          dump.openedAt = step;
          opened += 1;
        }
        // The claim: from when it was first said until now, nothing was up.
        for (const app of apps) {
          expect({ replicas: app.replicas, pods: app.pods }).toEqual({ replicas: 0, pods: 0 });
          expect(app.lastUp).toBeLessThanOrEqual(dump.openedAt);
        }
      }
      dump.gate = gate;
    });
  };

  return {
    dumps,
    apps,
    opened: () => opened,
    play(event: Event): void {
      step += 1;
      const app = 'app' in event ? apps[event.app] : undefined;
      const dump = 'dump' in event ? dumps[event.dump] : undefined;
      if (event.kind === 'wait') ms += event.seconds * 1000;
      if (event.kind === 'end' && dump !== undefined) dump.runs = false;
      if (event.kind === 'settle' && app !== undefined) {
        app.pods = app.replicas;
        if (app.pods > 0) app.lastUp = step;
      }
      if (event.kind === 'person' && app !== undefined && app.replicas !== event.replicas) {
        set(app, event.replicas, false);
        app.expected = event.replicas;
      }
      if (event.kind === 'reconcile' && dump !== undefined) {
        try {
          reconcile(dump, event.writes);
        } catch (error) {
          if (!(error instanceof Killed)) throw error;
        }
      }
    },
  };
};

type Event =
  | { kind: 'reconcile'; dump: number; writes: number }
  | { kind: 'settle'; app: number }
  | { kind: 'wait'; seconds: number }
  | { kind: 'person'; app: number; replicas: number }
  | { kind: 'end'; dump: number };

const which = fc.nat(1);
const eventOf = {
  reconcile: fc.record({
    kind: fc.constant('reconcile' as const),
    dump: which,
    writes: fc.constantFrom(1, 2, 99, 99, 99),
  }),
  settle: fc.record({ kind: fc.constant('settle' as const), app: which }),
  wait: fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(1, 6, 6, 6, 40) }),
  person: fc.record({ kind: fc.constant('person' as const), app: which, replicas: fc.nat(3) }),
  end: fc.record({ kind: fc.constant('end' as const), dump: which }),
};
const events = fc.array(
  fc.oneof(
    { weight: 16, arbitrary: eventOf.reconcile },
    { weight: 10, arbitrary: eventOf.settle },
    { weight: 10, arbitrary: eventOf.wait },
    { weight: 2, arbitrary: eventOf.person },
    { weight: 1, arbitrary: eventOf.end },
  ),
  { maxLength: 80, size: 'max' },
);

const all = { kind: 'reconcile', writes: 99 } as const;

test('whatever happens in whatever order, all is put back, and no dump is told what was not so', () => {
  let opened = 0;
  fc.assert(
    fc.property(fc.tuple(fc.nat(3), fc.nat(3)), events, (replicas, play) => {
      const world = createWorld(replicas);
      for (const event of play) world.play(event);
      for (const dump of [0, 1]) world.play({ kind: 'end', dump });
      for (const dump of [0, 1]) world.play({ ...all, dump });
      for (const app of world.apps) {
        expect(app.hold).toBeUndefined();
        expect(app.replicas).toBe(app.expected);
      }
      opened += world.opened();
    }),
    { numRuns: 3000 },
  );
  // The plays are not so wild that no dump ever begins.
  expect(opened).toBeGreaterThan(300);
});

test('left alone, each dump is told that all are down', () => {
  const world = createWorld([3, 1]);
  for (const dump of [0, 1]) world.play({ ...all, dump });
  for (const app of [0, 1]) world.play({ kind: 'settle', app });
  world.play({ kind: 'wait', seconds: 6 });
  for (const dump of [0, 1]) world.play({ ...all, dump });
  expect(world.dumps.map(({ gate }) => gate?.state)).toEqual(['Held', 'Held']);
});
