import * as fc from 'fast-check';
import { compactTime } from '../../../../src/agent/layout.ts';
import type { LedgerChain, LedgerSet } from '../../../../src/agent/ledger.ts';
import { decidePrune } from '../../../../src/agent/prune/decide.ts';
import { expiryOf } from '../../../../src/cron/expiry.ts';
import { reviewForPrune } from '../../../../src/agent/prune/review.ts';
import type { ListedFile } from '../../../../src/agent/ship/listing.ts';
import { parseDuration } from '../../../../src/api/v1alpha1/duration.ts';
import { createZone } from '../../../../src/cron/zone.ts';
import { histories, type History } from '../../../support/retention-history.ts';

// Half a year of a policy, by the very functions that review and decide in a pod; only the host and its files are pretended.

const zone = createZone('Europe/Tallinn');
const repository = 'rsync://a';
const dayMs = 86_400_000;
const start = Date.UTC(2026, 0, 3, 23, 5);

const setOf = (time: Date, base: Date | undefined): LedgerSet => {
  const stamp = compactTime(time);
  const span = base === undefined ? stamp : `${compactTime(base)}.to.${stamp}`;
  const kind = base === undefined ? 'full' : 'inc';
  const iso = time.toISOString();
  return {
    type: base === undefined ? 'Full' : 'Incremental',
    setTime: iso,
    dataTime: iso,
    completionTime: iso,
    durationSeconds: 1,
    sizeBytes: 1,
    sentBytes: 1,
    jobName: 'a',
    setDigest: 'a'.repeat(64),
    copy: stamp,
    files: ['vol1.difftar', 'manifest'].map((end) => ({ name: `duplicity-${kind}.${span}.${end}`, size: 1 })),
  };
};

/** What is stored, and what the ledger says of it. */
interface Store {
  chains: LedgerChain[];
  listing: ListedFile[];
}

const backUp = (store: Store, time: Date, isFull: boolean): void => {
  const last = store.chains.at(-1);
  const continued = !isFull && last !== undefined && last.problem === undefined ? last : undefined;
  const directory = continued?.directory ?? `chain-${compactTime(time)}`;
  if (continued === undefined && store.chains.some((chain) => chain.directory === directory)) return;
  const set = setOf(time, continued === undefined ? undefined : new Date(continued.sets.at(-1)?.setTime ?? ''));
  store.listing.push(...set.files.map(({ name, size }) => ({ name: `${directory}/${name}`, size })));
  const chain = {
    repository,
    directory,
    encryption: 'none',
    sets: [...(continued?.sets ?? []), set],
    checkedTime: set.setTime,
  };
  store.chains = [...store.chains.filter((each) => each !== continued), chain];
};

const restorable = ({ chains }: Store, moment: number): number =>
  Math.max(
    -1,
    ...chains
      .filter(({ problem }) => problem === undefined)
      .flatMap(({ sets }) => sets.map(({ dataTime }) => Date.parse(dataTime)))
      .filter((time) => time <= moment),
  );

/** What of every day and night that retention promises is restored: the state, by its time. */
const states = (store: Store, { policy: { keepFor } }: History, now: Date): number[] => {
  const moments = Array.from({ length: 600 }, (_, half) => now.getTime() - (half * dayMs) / 2);
  const span = keepFor === undefined ? undefined : parseDuration(keepFor);
  const promised = moments.filter((at) => span !== undefined && expiryOf(new Date(at), span, zone) > now);
  return [Number.MAX_SAFE_INTEGER, ...promised].map((at) => restorable(store, at));
};

const live = (history: History): { most: number; removed: number } => {
  const store: Store = { chains: [], listing: [] };
  const task = { retention: { ...history.policy, freezeOnShrink: 50 }, protect: [] };
  let [nextDue, offset, away, most, removed] = [undefined as Date | undefined, 0, 0, 0, 0];
  let prunedFull: string | undefined;
  history.days.forEach((event, index) => {
    const today = new Date(start + index * dayMs);
    if (event.kind === 'downtime') away = Math.max(away, event.days);
    if (away > 0) {
      away -= 1;
      return;
    }
    if (event.kind === 'clock') offset = event.hours * 3_600_000;
    if (event.kind === 'loss' && store.listing.length > 0) store.listing.splice(event.pick % store.listing.length, 1);
    if (event.kind !== 'failure') backUp(store, new Date(today.getTime() + offset), index % 7 === 0);

    const now = new Date(today.getTime() + 3_600_000);
    store.chains = reviewForPrune(store.chains, repository, store.listing, now.toISOString());
    const { chains, listing } = store;
    const decided = decidePrune({ chains, listing, task, now, zone });
    const newest = chains.at(-1)?.directory;
    const isAsked = newest !== prunedFull || (nextDue !== undefined && nextDue <= now);
    // Between two prunes nothing comes due that was not foretold, unless something was lost.
    expect(isAsked || event.kind === 'loss' || decided.due.length === 0).toBe(true);
    if (!isAsked) return;
    const before = states(store, history, now);
    const gone = new Set(decided.due.map(({ directory }) => directory));
    store.chains = chains.filter(({ directory }) => !gone.has(directory));
    store.listing = listing.filter(({ name }) => !gone.has(name.split('/')[0] ?? ''));
    removed += gone.size;
    // The newest state, and each that was promised, is restored as before.
    expect(states(store, history, now)).toEqual(before);
    const after = decidePrune({ chains: store.chains, listing: store.listing, task, now, zone });
    expect(after.due).toEqual([]);
    // Whole: no file is left of what is gone, none is gone of what is left.
    expect(reviewForPrune(store.chains, repository, store.listing, now.toISOString())).toEqual(
      store.chains.map((chain) => ({ ...chain, checkedTime: now.toISOString() })),
    );
    ({ nextDue } = after);
    prunedFull = newest;
    most = Math.max(most, store.chains.length);
  });
  return { most, removed };
};

test('half a year of anything: what was promised is there, and what is no longer asked for goes', () => {
  const numRuns = Number(process.env['HOLDFAST_HALF_YEARS'] ?? 60);
  let removed = 0;
  fc.assert(
    fc.property(histories(182), (history) => {
      removed += live(history).removed;
    }),
    { numRuns },
  );
  // The histories are not all of the kind in which nothing is ever due.
  expect(removed).toBeGreaterThan(numRuns);
}, 600_000);

test.each([
  { reason: 'four weeks of weekly fulls', policy: { keepFor: '4w' }, most: 5 },
  { reason: 'a month', policy: { keepFor: '1mo' }, most: 6 },
  { reason: 'four chains', policy: { keepFullChains: 4 }, most: 4 },
  { reason: 'the stricter of two rules', policy: { keepFor: '1w', keepFullChains: 5 }, most: 5 },
])('half a quiet year, $reason', ({ policy, most }) => {
  const quiet = live({ policy, days: Array.from({ length: 182 }, () => ({ kind: 'backup' })) });
  expect(quiet.most).toBe(most);
  expect(quiet.removed).toBeGreaterThanOrEqual(26 - most);
});
