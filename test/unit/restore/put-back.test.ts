import type { RestoreRequestStatus } from '../../../src/api/v1alpha1/restorerequest.ts';
import { observeRequest } from '../../../src/restore/observed.ts';
import { leftovers, tidied, uncleaned } from '../../../src/restore/finish.ts';
import { requestView } from '../../../src/restore/views.ts';
import { jobView, podView } from '../../../src/policy/views.ts';
import { restoreId } from '../../../src/workloads/names.ts';
import type { Json } from '../../support/operator/policies.ts';
import { judge, now, type Given } from '../../support/operator/judging.ts';
import {
  goodPlan,
  goodPutBack,
  goodPutBackPlan,
  putBackSpec,
  rawRequest,
  rawStage,
  type RequestOptions,
  type Said,
  type StageOptions,
} from '../../support/operator/restores.ts';

type Outcome = NonNullable<RestoreRequestStatus['policies']>[number];

const aside: Outcome = {
  policy: 'agama',
  jobName: 'made',
  outcome: 'Completed',
  state: 'Replaced',
  safetyCopy: { kind: 'Databases', names: ['holdfast_01234567_old_agama'], count: 1 },
  safetyCopyUntil: '2026-11-22T03:42:00Z',
};

const finishedWith = (outcome: Partial<Outcome> = {}, status: RestoreRequestStatus = {}): RestoreRequestStatus => ({
  phase: 'Completed',
  completionTime: '2026-11-15T02:00:00Z',
  steps: [{ policy: 'agama', name: 'Swap', state: 'Succeeded', completionTime: '2026-11-15T01:59:00Z' }],
  policies: [{ ...aside, ...outcome }],
  ...status,
});

const origin = { name: 'restored', uid: 'origin-uid', status: finishedWith() };
const originOf = (outcome: Partial<Outcome>, status?: RestoreRequestStatus) => ({
  ...origin,
  status: finishedWith(outcome, status),
});
const given: Given = { spec: putBackSpec(), origin };
const planned: StageOptions = { stage: 'plan', said: goodPutBackPlan(), end: 'Complete' };
const awaiting = judge({ ...given, stages: [planned] });
const ofOrigin = { name: 'restored', uid: 'origin-uid', namespace: 'shop' };

describe('a request that puts a safety copy back', () => {
  test('is planned like any other, and says that it is no backup', () => {
    expect(judge(given).wanted.plan.map(({ name }) => name)).toEqual(['agama']);
    const [plan] = awaiting.status.plan?.policies ?? [];
    expect(awaiting.status.phase).toBe('AwaitingConfirmation');
    expect(plan).toMatchObject({
      copy: {
        request: 'restored',
        uid: 'origin-uid',
        id: restoreId('origin-uid', 'agama'),
        count: 1,
        setAsideTime: '2026-11-15T01:59:00Z',
        objects: 12,
        rows: 900,
        summary: expect.stringMatching(
          /as it was at 2026-11-15T01:59:00Z, when request restored set it aside.*no backup/,
        ),
      },
      lost: expect.stringContaining('Everything written after 2026-11-15T01:59:00Z'),
      workloads: [{ kind: 'Deployment', name: 'shop' }],
      confirmation: 'OnePerson',
    });
    expect(plan?.set).toBeUndefined();
    expect(plan?.estimatedSeconds).toBeUndefined();
    expect(awaiting.whole.conditions?.find(({ type }) => type === 'Planned')?.message).toContain('safety copy');
  });

  test('needs neither the private key nor a word that the destination may be replaced', () => {
    const spec = { encryption: { gpg: { publicKeySecretRef: { name: 'p' } } } };
    expect(judge({ ...given, policies: [{ name: 'agama', spec }] }).stalled).toBeUndefined();
    expect(awaiting.status.failure).toBeUndefined();
  });

  test('has another hash for the copy of another request', () => {
    const other = judge({ ...given, origin: { ...origin, uid: 'other-uid' }, stages: [planned] });
    expect(other.status.plan?.hash).not.toBe(awaiting.status.plan?.hash);
  });

  test.each<{ reason: string; origin: Given['origin']; why: RegExp; at?: Date }>([
    { reason: 'there is no such request', origin: undefined, why: /no RestoreRequest restored/ },
    { reason: 'it goes on', origin: originOf({}, { phase: 'Restoring' }), why: /not finished \(Restoring\)/ },
    { reason: 'it is of another policy', origin: originOf({ policy: 'skink' }), why: /restored nothing of agama/ },
    {
      reason: 'nothing was there to be set aside',
      origin: originOf({ safetyCopy: { kind: 'None', names: [], count: 0 } }),
      why: /set nothing aside of agama/,
    },
    { reason: 'it went elsewhere', origin: originOf({ safetyCopy: undefined }), why: /set nothing aside/ },
    {
      reason: 'its time is over',
      origin,
      at: new Date('2026-11-22T03:42:00Z'),
      why: /kept until 2026-11-22T03:42:00Z/,
    },
    { reason: 'another one put it back', origin: originOf({ putBackBy: 'earlier' }), why: /was put back by earlier/ },
    {
      reason: 'it is being discarded',
      origin: {
        ...origin,
        stages: [{ stage: 'discard', said: [{ container: 'discard', running: true }], request: ofOrigin }],
      },
      why: /is discarded/,
    },
  ])('is refused before anything is looked at: $reason', ({ origin: of, why, at = now }) => {
    const { status, wanted } = judge({ ...given, origin: of, at });
    expect(status).toMatchObject({ phase: 'Failed', failure: { reason: 'SafetyCopyUnavailable' } });
    expect(status.message).toMatch(why);
    expect(status.message).toContain('Nothing was touched');
    expect(wanted.plan).toEqual([]);
  });

  test.each<{ reason: string; said: readonly Said[]; failure: string }>([
    {
      reason: 'an agent that says nothing of a copy found none',
      said: goodPlan().slice(1),
      failure: 'ResultMissing',
    },
    {
      reason: 'the copy is not whole',
      said: [{ container: 'inspect', failure: { step: 'Inspect', reason: 'SafetyCopyUnavailable', message: 'gone.' } }],
      failure: 'SafetyCopyUnavailable',
    },
  ])('has no plan: $reason', ({ said, failure }) => {
    const end = failure === 'ResultMissing' ? 'Complete' : 'Failed';
    const { status } = judge({ ...given, stages: [{ stage: 'plan', said, end }] });
    expect(status).toMatchObject({ phase: 'Failed', failure: { reason: failure } });
    expect(status.plan).toBeUndefined();
  });

  const withPlan: RestoreRequestStatus = { plan: awaiting.status.plan };
  const verdict = {
    accepted: { name: 'yes', uid: 'u', confirmedBy: 'bob', time: '2026-11-15T03:44:00Z' },
    refused: [],
  };

  test.each<{ reason: string; origin: Given['origin']; starts: boolean; at?: Date }>([
    { reason: 'it is begun once it is confirmed', origin, starts: true },
    { reason: 'what is planned is held past its time', origin, at: new Date('2026-11-15T05:00:00Z'), starts: true },
    { reason: 'not when another one has put it back since', origin: originOf({ putBackBy: 'earlier' }), starts: false },
    {
      reason: 'a namesake made since says nothing of it',
      origin: { ...originOf({ putBackBy: 'earlier' }), uid: 'x' },
      starts: true,
    },
  ])('$reason', ({ origin: of, starts, at = now }) => {
    const until = {
      ...of,
      status: {
        ...of?.status,
        policies: of?.status?.policies?.map((each) => ({ ...each, safetyCopyUntil: '2026-11-15T04:00:00Z' })),
      },
    };
    const { wanted } = judge({ ...given, origin: until, stages: [planned], status: withPlan, verdict, at });
    expect(wanted.start).toHaveLength(starts ? 1 : 0);
  });

  const running: RestoreRequestStatus = {
    ...withPlan,
    startTime: '2026-11-15T03:41:00Z',
    policies: [{ policy: 'agama', jobName: 'made' }],
  };
  const ended = (said: readonly Said[]) =>
    judge({ ...given, status: running, stages: [planned, { stage: 'restore', said, end: 'Complete' }] });

  test('is done when the agent compared it with the copy: that is no proof by a backup', () => {
    const { status, whole } = ended(goodPutBack);
    expect(status).toMatchObject({
      phase: 'Completed',
      policies: [
        {
          outcome: 'Completed',
          state: 'Replaced',
          proof: 'EqualToCopy',
          safetyCopy: {
            kind: 'Databases',
            putBackWith: expect.stringContaining('safetyCopyOf: { name: orders-lost }'),
          },
        },
      ],
    });
    expect(status.recoveryTimeMet).toBeUndefined();
    expect(whole.conditions?.find(({ type }) => type === 'Restored')).toMatchObject({
      status: 'True',
      reason: 'ComparedWithCopy',
      message: expect.stringContaining('no backup witnesses that'),
    });
  });

  test('is Unknown when not all could be compared', () => {
    const compared = { objects: 12, rows: 900 };
    const said = goodPutBack.map((each): Said =>
      each.container === 'swap' ? each : { ...each, restore: { compared } },
    );
    const { status, whole } = ended(said);
    expect(status.policies).toMatchObject([{ outcome: 'Completed', proof: 'PartlyUnknown' }]);
    expect(whole.conditions?.find(({ type }) => type === 'Restored')?.status).toBe('Unknown');
  });

  test('is not done by a swap alone', () => {
    expect(ended(goodPutBack.slice(0, 2)).status.phase).toBe('Failed');
  });
});

/** A finished request with its Jobs, and the others of its policy. */
const finished = (
  { stages = [], ...options }: RequestOptions & { stages?: StageOptions[] },
  others: readonly RequestOptions[] = [],
) => {
  const objects = stages.map(rawStage);
  const caches = {
    policies: { ofPolicy: () => [] },
    jobs: { ofPolicy: () => objects.map(({ job }) => jobView(job)) },
    pods: { ofPolicy: () => objects.map(({ pod }) => podView(pod)) },
  };
  const observed = observeRequest(requestView(rawRequest(options)), caches as never, now);
  return { observed, others: others.map((each) => requestView(rawRequest(each))) };
};

describe('a safety copy whose time is over', () => {
  const over = { ...origin, status: finishedWith({ safetyCopyUntil: '2026-11-15T03:00:00Z' }) };
  const user = (status: RestoreRequestStatus, spec = putBackSpec()): RequestOptions => ({
    name: 'back',
    uid: 'back-uid',
    spec,
    status,
  });
  const planOf = (uid: string): RestoreRequestStatus['plan'] => {
    const { plan } = awaiting.status;
    return (
      plan && {
        ...plan,
        policies: plan.policies.map((each) => ({ ...each, copy: each.copy && { ...each.copy, uid } })),
      }
    );
  };

  test.each<{ reason: string; others: RequestOptions[]; discards: boolean }>([
    { reason: 'is discarded', others: [], discards: true },
    { reason: 'is kept for who is planning to put it back', others: [user({})], discards: false },
    {
      reason: 'is kept for who waits for a confirmation',
      others: [user({ phase: 'AwaitingConfirmation', plan: planOf('origin-uid') })],
      discards: false,
    },
    {
      reason: 'is kept for one that was cut off',
      others: [user({ phase: 'Failed', policies: [{ policy: 'agama', outcome: 'Failed', state: 'Unavailable' }] })],
      discards: false,
    },
    {
      reason: 'is discarded once that has failed without a trace',
      others: [user({ phase: 'Failed', policies: [{ policy: 'agama', outcome: 'Failed', state: 'Untouched' }] })],
      discards: true,
    },
    { reason: 'is not kept for who restores from a backup', others: [user({}, {})], discards: true },
    {
      reason: 'is not kept for what a namesake set aside',
      others: [user({ phase: 'Queued', plan: planOf('another-uid') })],
      discards: true,
    },
    { reason: 'is not kept for the copy of another request', others: [user({}, putBackSpec('other'))], discards: true },
  ])('$reason', ({ others: given_, discards }) => {
    const { observed, others } = finished(over, given_);
    const { discard, remove, wakeAt } = leftovers(observed, others, now);
    expect(discard.map(({ name }) => name)).toEqual(discards ? ['agama'] : []);
    expect(remove).toBe(false);
    expect(wakeAt?.getTime()).toBeGreaterThan(now.getTime());
  });

  test('says who has put it back', () => {
    const { observed, others } = finished(over, [
      user({ phase: 'Completed', policies: [{ policy: 'agama', outcome: 'Completed' }] }),
    ]);
    expect(tidied(observed, others, now).policies).toMatchObject([{ putBackBy: 'back' }]);
  });

  test('lets its request go once it is discarded, and not before', () => {
    const old = { ...over, status: { ...over.status, completionTime: '2026-10-01T00:00:00Z' } };
    const discard = (end?: 'Complete' | 'Failed'): StageOptions[] => [
      { stage: 'discard', said: [{ container: 'discard' }], end, request: ofOrigin },
    ];
    for (const [stages, remove] of [
      [[], false],
      [discard(), false],
      [discard('Failed'), false],
      [discard('Complete'), true],
    ] as const) {
      const { observed } = finished({ ...old, stages: [...stages] });
      expect([stages[0]?.end, leftovers(observed, [], now).remove]).toEqual([stages[0]?.end, remove]);
    }
  });
});

describe('what was loaded for nothing', () => {
  const failing = (said: readonly Said[], extra: Given = {}) =>
    judge({
      status: {
        ...judge().status,
        plan: planFor,
        startTime: '2026-11-15T03:41:00Z',
        policies: [{ policy: 'agama', jobName: 'made' }],
      },
      stages: [{ stage: 'restore', said, end: 'Failed' }],
      ...extra,
    }).status;
  const planFor = judge({ stages: [{ stage: 'plan', said: goodPlan(), end: 'Complete' }] }).status.plan;
  const brought: Said = { container: 'bring', restore: { fetched: { bytes: 1, seconds: 1 } } };
  const compared: Said = {
    container: 'load',
    restore: { compared: { objects: 1, rows: 1, factsDigest: 'c'.repeat(64) } },
  };
  const failure = { step: 'Load', reason: 'Interrupted', message: 'The pod was told to stop.' } as const;
  const behind: Said['notes'] = [{ reason: 'LeftBehind', message: 'it could not be removed' }];

  test.each<{ reason: string; said: readonly Said[]; left: boolean; destination?: Json }>([
    { reason: 'the pod was lost while it loaded', said: [brought, { container: 'load', silent: true }], left: true },
    {
      reason: 'the pod was lost after it had loaded',
      said: [brought, compared, { container: 'swap', silent: true }],
      left: true,
    },
    { reason: 'it never came to load', said: [{ container: 'bring', failure }], left: false },
    { reason: 'it failed to load, and cleaned up', said: [brought, { container: 'load', failure }], left: false },
    {
      reason: 'it failed to load, and could not clean up',
      said: [brought, { container: 'load', failure, notes: behind }],
      left: true,
    },
    {
      reason: 'it was told not to go on, and cleaned up',
      said: [brought, compared, { container: 'swap', failure, restore: { state: 'Untouched' } }],
      left: false,
    },
    {
      reason: 'files on a claim are in a directory of their own',
      said: [{ container: 'bring', silent: true }],
      destination: { destination: { inPlace: undefined, volume: { claimName: 'files' } } },
      left: false,
    },
  ])('$reason: left is $left', ({ said, left, destination = {} }) => {
    expect(failing(said, { spec: destination }).policies?.[0]?.loaded).toBe(left ? 'Left' : undefined);
  });

  test('is not removed where the exchange was begun: it may be a part of what is needed', () => {
    const status = failing([brought, compared, { container: 'swap', silent: true }], {
      status: {
        plan: planFor,
        startTime: '2026-11-15T03:41:00Z',
        policies: [{ policy: 'agama', jobName: 'made' }],
        steps: [{ policy: 'agama', name: 'StopWorkloads', state: 'Running' }],
      },
    });
    expect(status.policies).toMatchObject([{ state: 'Unavailable' }]);
    expect(status.policies?.[0]?.loaded).toBeUndefined();
  });

  const left: RestoreRequestStatus = {
    phase: 'Failed',
    completionTime: '2026-09-01T00:00:00Z',
    policies: [{ policy: 'agama', jobName: 'made', outcome: 'Failed', state: 'Untouched', loaded: 'Left' }],
  };
  const clean = (end?: 'Complete' | 'Failed'): StageOptions => ({
    stage: 'clean',
    said: [end === 'Failed' ? { container: 'discard', failure } : { container: 'discard' }],
    end,
  });

  test.each<{ reason: string; stages: StageOptions[]; makes: number; open: number; loaded: string; step?: string }>([
    { reason: 'a Job is made once', stages: [], makes: 1, open: 1, loaded: 'Left' },
    { reason: 'it is waited for', stages: [clean()], makes: 0, open: 1, loaded: 'Left', step: 'Succeeded' },
    {
      reason: 'when it is done that is said',
      stages: [clean('Complete')],
      makes: 0,
      open: 0,
      loaded: 'Discarded',
      step: 'Succeeded',
    },
    {
      reason: 'when it fails that is said, and it is not tried again',
      stages: [clean('Failed')],
      makes: 0,
      open: 0,
      loaded: 'Left',
      step: 'Failed',
    },
  ])('$reason', ({ stages, makes, open, loaded, step }) => {
    const { observed } = finished({ status: left, stages });
    expect(leftovers(observed, [], now)).toMatchObject({ clean: { length: makes }, remove: false });
    expect(uncleaned(observed)).toHaveLength(open);
    const status = tidied(observed, [], now);
    expect(status.policies?.[0]?.loaded).toBe(loaded);
    expect(status.steps?.find(({ name }) => name === 'Discard')?.state).toBe(step);
  });

  test('of a request that is deleted while it loads is removed first', () => {
    const status: RestoreRequestStatus = { phase: 'Restoring', policies: [{ policy: 'agama', jobName: 'made' }] };
    const gone = finished({ status });
    expect(uncleaned(gone.observed).map(({ name }) => name)).toEqual(['agama']);
    expect(uncleaned(finished({ status, stages: [clean('Complete')] }).observed)).toEqual([]);
    expect(uncleaned(finished({ status: { phase: 'AwaitingConfirmation' } }).observed)).toEqual([]);
  });
});
