import type { RestorePoint } from '../../../src/api/v1alpha1/restore-report.ts';
import type { RestorePlan, RestoreRequestStatus } from '../../../src/api/v1alpha1/restorerequest.ts';
import { restoreRequestStatus } from '../../../src/api/v1alpha1/restorerequest.ts';
import { statusOf } from '../../../src/restore/conditions.ts';
import { planHash } from '../../../src/restore/make-plan.ts';
import type { Verdict } from '../../../src/restore/stage.ts';
import { podlessMs, refusalWords, refusedBefore, refusedOf, withStall } from '../../../src/restore/stuck.ts';
import { requestView } from '../../../src/restore/views.ts';
import { subjectOfSpec, type Json } from '../../support/operator/policies.ts';
import {
  evidenceOf,
  goodPlan,
  goodRestore,
  pointOf,
  rawRequest,
  type Said,
  type StageOptions,
} from '../../support/operator/restores.ts';
import { judge, now, type Given } from '../../support/operator/judging.ts';

const accepted: Verdict = {
  accepted: { name: 'yes', uid: 'confirmation-uid', confirmedBy: 'bob', time: '2026-11-15T03:44:00Z' },
  refused: [],
};

const planned: StageOptions = { stage: 'plan', said: goodPlan(), end: 'Complete' };
const awaiting = judge({ stages: [planned] });
const withPlan: RestoreRequestStatus = { plan: awaiting.status.plan };
const begun = judge({ stages: [planned], status: withPlan, verdict: accepted });
const running: RestoreRequestStatus = { ...begun.whole, policies: [{ policy: 'agama', jobName: 'made' }] };
const restoring = (said: readonly Said[], extra: Partial<StageOptions> = {}): StageOptions => ({
  stage: 'restore',
  said,
  ...extra,
});
const conditions = ({ whole }: ReturnType<typeof judge>): Record<string, string> =>
  Object.fromEntries((whole.conditions ?? []).map(({ type, status }) => [type, status]));

describe('a plan', () => {
  test('is asked for first, and nothing else', () => {
    const { status, wanted } = judge();
    expect(status.phase).toBe('Pending');
    expect(wanted.plan.map(({ name }) => name)).toEqual(['agama']);
    expect(wanted).toMatchObject({ start: [], confirm: false, cancel: [] });
  });

  test('is not what a Job says that has the name and is not of the request', () => {
    const { status, wanted } = judge({ stages: [{ ...planned, jobMetadata: { ownerReferences: [] } }] });
    expect(status.plan).toBeUndefined();
    expect(wanted.plan.map(({ name }) => name)).toEqual(['agama']);
  });

  test('names the very set, what is lost, overwritten and stopped, and how to confirm it', () => {
    const [policy] = awaiting.status.plan?.policies ?? [];
    expect(policy).toMatchObject({
      policy: 'agama',
      set: pointOf().set,
      lost: 'Everything written after 2026-11-15T01:00:00Z: the 2 h 30 min before the loss of 2026-11-15T03:30:00Z.',
      workloads: [{ kind: 'Deployment', name: 'shop' }],
      confirmation: 'OnePerson',
    });
    expect(awaiting.status.plan?.confirmWith).toContain(awaiting.status.plan?.hash);
    expect(awaiting.status.phase).toBe('AwaitingConfirmation');
    expect(conditions(awaiting)).toMatchObject({
      Planned: 'True',
      Confirmed: 'Unknown',
      Restored: 'Unknown',
      Ready: 'False',
    });
  });

  test.each<Given & { reason: string; phase: string; failure?: string; stalled?: string }>([
    { reason: 'a policy that is not there may come', policies: [], phase: 'Pending', stalled: 'PolicyNotFound' },
    {
      reason: 'without the private key nothing can be opened',
      policies: [{ name: 'agama', spec: { encryption: { gpg: { publicKeySecretRef: { name: 'p' } } } } }],
      phase: 'Pending',
      stalled: 'DestinationUnsupported',
    },
    {
      reason: 'no backup of that time',
      stages: [
        {
          ...planned,
          end: 'Failed',
          said: [
            {
              container: 'resolve',
              failure: { step: 'Resolve', reason: 'PointNotAvailable', message: 'Earliest: yesterday.' },
            },
          ],
        },
      ],
      phase: 'Failed',
      failure: 'PointNotAvailable',
    },
    {
      reason: 'a Job that is complete and said nothing proves nothing',
      stages: [{ ...planned, said: [{ container: 'resolve' }, { container: 'inspect' }] }],
      phase: 'Failed',
      failure: 'ResultMissing',
    },
    {
      reason: 'nothing is missing, and nobody said to replace it all the same',
      stages: [{ ...planned, said: goodPlan(pointOf(), evidenceOf({ healthy: true, missing: [], missingCount: 0 })) }],
      phase: 'Failed',
      failure: 'DestinationHealthy',
    },
    {
      reason: 'nothing is missing, and it is to be replaced all the same',
      spec: { destination: { inPlace: { overwriteHealthy: true } } },
      stages: [{ ...planned, said: goodPlan(pointOf(), evidenceOf({ healthy: true })) }],
      phase: 'AwaitingConfirmation',
    },
    { reason: 'cancelled before anything', spec: { cancel: true }, phase: 'Cancelled', failure: 'RestoreCancelled' },
  ])('$reason', ({ phase, failure, stalled, ...given }) => {
    const judged = judge(given);
    expect(judged.status.phase).toBe(phase);
    expect(judged.status.failure?.reason).toBe(failure);
    expect(judged.stalled?.reason).toBe(stalled);
    expect(judged.wanted.start).toEqual([]);
  });

  test('of several policies is of the oldest data, and says where nothing is there to be set aside', () => {
    const names = ['agama', 'logs', 'ansible'];
    const times = ['2026-11-15T01:00:00Z', '2026-11-14T23:00:00Z', '2026-11-15T00:00:00Z'];
    const { status } = judge({
      policies: names.map((name) => ({ name })),
      spec: { policyRefs: names.map((name) => ({ name })) },
      stages: names.map((policy, index) => ({
        ...planned,
        policy,
        said: goodPlan(
          pointOf({ set: { ...pointOf().set, dataTime: times[index] ?? '' } }),
          evidenceOf({ present: policy !== 'logs' }),
        ),
      })),
    });
    expect(status.plan?.dataTime).toBe('2026-11-14T23:00:00Z');
    expect(status.plan?.policies.map(({ overwritten }) => overwritten.split(' and ')[0])).toEqual([
      'What is there now is replaced,',
      'Nothing is there now; what is there by then is replaced,',
      'What is there now is replaced,',
    ]);
  });

  test('has another hash for another set, another request and another destination', () => {
    const hashes = [
      awaiting,
      judge({
        stages: [{ ...planned, said: goodPlan(pointOf({ set: { ...pointOf().set, setDigest: 'd'.repeat(64) } })) }],
      }),
      judge({ stages: [{ ...planned, said: goodPlan(pointOf(), evidenceOf({ rows: 5 })) }] }),
      judge({ stages: [planned], spec: { destination: { inPlace: { overwriteHealthy: true } } } }),
      judge({
        stages: [planned],
        policies: [{ name: 'agama', spec: { source: { mysql: { host: 'other.example.com' } } } }],
      }),
    ].map(({ status }) => status.plan?.hash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

const shown = ((): NonNullable<RestoreRequestStatus['plan']> => {
  const { plan } = awaiting.status;
  if (plan === undefined) throw new Error('a plan is made');
  return plan;
})();

/** What somebody would write who may write status: a plan as of a policy that asks for no confirmation, with its hash. */
const unconfirmed = ((): RestoreRequestStatus['plan'] => {
  const policies = shown.policies.map((each) => ({ ...each, confirmation: 'None' as const }));
  return { ...shown, policies, confirmation: 'None', hash: planHash(requestView(rawRequest()), policies) };
})();

describe('nothing is begun', () => {
  test.each<Given & { reason: string; phase: string }>([
    { reason: 'while nobody looked for confirmations', status: withPlan, phase: 'AwaitingConfirmation' },
    {
      reason: 'while none counts',
      status: withPlan,
      verdict: { refused: [{ name: 'x', reason: 'Lapsed', message: 'y' }] },
      phase: 'AwaitingConfirmation',
    },
    {
      reason: 'by what status says of an earlier look',
      status: { ...begun.whole, policies: [] },
      phase: 'AwaitingConfirmation',
    },
    { reason: 'a day after the plan', status: withPlan, at: new Date('2026-11-16T03:45:01Z'), phase: 'Expired' },
    {
      reason: 'while another request restores the policy',
      status: withPlan,
      verdict: accepted,
      busy: ['agama'],
      phase: 'Queued',
    },
    {
      reason: 'of a plan that somebody edited',
      status: {
        plan: { ...shown, policies: shown.policies.map((each) => ({ ...each, workloads: [] })) },
      },
      verdict: accepted,
      phase: 'Failed',
    },
    {
      reason: 'of a plan in which somebody wrote that nobody has to confirm',
      status: { plan: { ...shown, confirmation: 'None' } },
      phase: 'Failed',
    },
    {
      reason: 'of a plan that was written whole, hash and all, to say so',
      status: { plan: unconfirmed },
      phase: 'Failed',
    },
    {
      reason: 'once the policy is another',
      status: withPlan,
      verdict: accepted,
      policies: [{ name: 'agama', spec: { source: { mysql: { host: 'other.example.com' } } } }],
      phase: 'Failed',
    },
    { reason: 'once it is cancelled', status: withPlan, verdict: accepted, spec: { cancel: true }, phase: 'Cancelled' },
  ])('$reason', ({ phase, ...given }) => {
    const { status, wanted } = judge({ stages: [planned], ...given });
    expect(status.phase).toBe(phase);
    expect(wanted.start).toEqual([]);
  });

  test('before a confirmation that counts: then once', () => {
    expect(begun.status.phase).toBe('Restoring');
    expect(begun.wanted.start.map(({ name }) => name)).toEqual(['agama']);
    expect(begun.status.confirmation).toMatchObject({ confirmedBy: 'bob' });
    const again = judge({ stages: [planned], status: running });
    expect(again.wanted.start).toEqual([]);
  });

  test('a check in a sandbox needs no confirmation', () => {
    const spec = { destination: { inPlace: undefined, sandbox: { keepFor: '1h' } } };
    const sandbox: StageOptions = { stage: 'plan', said: goodPlan().slice(0, 1), end: 'Complete' };
    const first = judge({ spec, stages: [sandbox] });
    const then = judge({ spec, stages: [sandbox], status: { plan: first.status.plan } });
    expect(then.wanted.start.map(({ name }) => name)).toEqual(['agama']);
  });
});

describe('a restore', () => {
  const until = (container: string): Said[] => [
    ...goodRestore.slice(
      0,
      goodRestore.findIndex((each) => each.container === container),
    ),
    { container: container as Said['container'], running: true },
  ];
  const failed = (
    container: Said['container'],
    failure: NonNullable<Said['failure']>,
    restore?: Said['restore'],
  ): Said[] => [
    ...goodRestore.slice(
      0,
      goodRestore.findIndex((each) => each.container === container),
    ),
    { container, failure, ...(restore && { restore }) },
  ];
  const failure = { step: 'Load', reason: 'ContentDiffers', message: 'table x differs.' } as const;

  test('that proves all is completed, measured, and within the RTO', () => {
    const { status, whole } = judge({
      status: running,
      stages: [planned, restoring(goodRestore, { end: 'Complete' })],
    });
    expect(status).toMatchObject({ phase: 'Completed', recoveryTimeMet: true });
    expect(status.policies).toMatchObject([
      {
        policy: 'agama',
        outcome: 'Completed',
        state: 'Replaced',
        objectsCompared: 12,
        rowsCompared: 1000,
        safetyCopyUntil: '2026-11-22T03:42:00Z',
      },
    ]);
    expect(whole.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
    expect(status.steps?.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'Resolve Succeeded',
      'Inspect Succeeded',
      'Fetch Succeeded',
      'Load Succeeded',
      'Swap Succeeded',
      'Check Succeeded',
    ]);
  });

  test('is not completed while its workloads are down', () => {
    const { status } = judge({
      status: running,
      held: ['agama'],
      stages: [planned, restoring(goodRestore, { end: 'Complete' })],
    });
    expect(status.phase).toBe('Verifying');
    expect(status.completionTime).toBeUndefined();
  });

  test.each<{ reason: string; said: readonly Said[] }>([
    {
      reason: 'the check said nothing of what it compared',
      said: [...goodRestore.slice(0, 3), { container: 'check' }],
    },
    {
      reason: 'the swap does not say that it replaced anything',
      said: [...goodRestore.slice(0, 2), { container: 'swap', restore: { state: 'PutBack' } }, ...goodRestore.slice(3)],
    },
    { reason: 'a container is missing', said: goodRestore.filter(({ container }) => container !== 'load') },
  ])('of a Job that is complete is failed when $reason', ({ said }) => {
    const { status } = judge({ status: running, stages: [planned, restoring(said, { end: 'Complete' })] });
    expect(status).toMatchObject({ phase: 'Failed', failure: { reason: 'ResultMissing' } });
  });

  const stopping: RestoreRequestStatus = {
    ...running,
    steps: [{ policy: 'agama', name: 'StopWorkloads', state: 'Running', startTime: '2026-11-15T03:41:00Z' }],
  };
  test.each<{
    reason: string;
    said: readonly Said[];
    status?: RestoreRequestStatus;
    state: string;
    failure: string;
    gone?: true;
  }>([
    { reason: 'what was loaded differs', said: failed('load', failure), state: 'Untouched', failure: 'ContentDiffers' },
    {
      reason: 'the exchange was undone',
      said: failed('swap', { ...failure, step: 'Swap', reason: 'ExchangeFailed' }, { state: 'PutBack' }),
      status: stopping,
      state: 'PutBack',
      failure: 'ExchangeFailed',
    },
    {
      reason: 'the exchange could not be undone',
      said: failed('swap', { ...failure, step: 'Swap', reason: 'ExchangeFailed' }, { state: 'Unavailable' }),
      status: stopping,
      state: 'Unavailable',
      failure: 'ExchangeFailed',
    },
    {
      reason: 'the swap was killed',
      said: [...goodRestore.slice(0, 2), { container: 'swap', silent: true }],
      status: stopping,
      state: 'Unavailable',
      failure: 'RestoreInterrupted',
    },
    {
      reason: 'the check found a difference',
      said: failed('check', failure),
      status: stopping,
      state: 'Replaced',
      failure: 'ContentDiffers',
    },
  ])('fails, and says what is in place, when $reason', ({ said, status = running, state, failure: reason }) => {
    const judged = judge({ status, stages: [planned, restoring(said, { end: 'Failed' })] });
    expect(judged.status).toMatchObject({
      phase: 'Failed',
      failure: { reason },
      policies: [{ outcome: 'Failed', state }],
    });
    expect(judged.status.message).toMatch(/Of agama, /);
  });

  test.each<{ reason: string; status: RestoreRequestStatus; state: string; failure: string }>([
    { reason: 'before it could touch anything', status: running, state: 'Untouched', failure: 'PodLost' },
    { reason: 'when it may have replaced data', status: stopping, state: 'Unavailable', failure: 'RestoreInterrupted' },
  ])('whose Job somebody deleted $reason is never made again', ({ status, state, failure: reason }) => {
    const judged = judge({ status, lost: ['agama'], stages: [planned] });
    expect(judged.status).toMatchObject({ phase: 'Failed', failure: { reason }, policies: [{ state }] });
    expect(judged.wanted.start).toEqual([]);
  });

  test('waits for a person where something outside must be stopped, and says for what', () => {
    const outside = [{ name: 'agama', spec: { restore: { external: 'systemctl stop telegraf on metrics-1' } } }];
    const first = judge({ stages: [planned], policies: outside });
    const status: RestoreRequestStatus = { ...running, plan: first.status.plan };
    const waiting = judge({ status, policies: outside, stages: [planned, restoring(until('swap'))] });
    expect(waiting.status).toMatchObject({ phase: 'AwaitingExternal' });
    expect(waiting.status.message).toContain('systemctl stop telegraf on metrics-1');
    const told = judge({
      status,
      policies: outside,
      spec: { externalStopped: true },
      stages: [planned, restoring(until('swap'))],
    });
    expect(told.status.phase).toBe('Restoring');
  });

  test('is verifying while what is in place is compared', () => {
    expect(judge({ status: running, stages: [planned, restoring(until('check'))] }).status.phase).toBe('Verifying');
  });

  const held = { state: 'Held', since: '2026-11-15T03:42:00.000Z', asOf: '2026-11-15T03:42:00.000Z' } as const;
  test.each<{ reason: string; stage: StageOptions; cancels: boolean }>([
    { reason: 'while it fetches', stage: restoring(until('bring')), cancels: true },
    { reason: 'while it waits for its workloads', stage: restoring(until('swap')), cancels: true },
    {
      reason: 'not once it was told, and has ended: its word is on the way',
      stage: restoring([...goodRestore.slice(0, 2), { container: 'swap', silent: true }]),
      cancels: false,
    },
    { reason: 'not once it may replace the data', stage: restoring(until('swap'), { gate: held }), cancels: false },
  ])('can be cancelled $reason', ({ stage, cancels }) => {
    const { wanted } = judge({ status: running, spec: { cancel: true }, stages: [planned, stage] });
    expect(wanted.cancel.length).toBe(cancels ? 1 : 0);
  });

  test('that was cancelled in time touched nothing', () => {
    const said = failed(
      'swap',
      { step: 'Wait', reason: 'RestoreCancelled', message: 'Cancelled.' },
      { state: 'Untouched' },
    );
    const { status } = judge({
      status: running,
      spec: { cancel: true },
      stages: [planned, restoring(said, { end: 'Failed' })],
    });
    expect(status).toMatchObject({ phase: 'Cancelled', policies: [{ outcome: 'Cancelled', state: 'Untouched' }] });
  });

  const beside = { destination: { inPlace: undefined, newDatabase: { name: 'then' } } };
  const onClaim = { destination: { inPlace: undefined, volume: { claimName: 'files' } } };
  const unwitnessed = { compared: { objects: 12, rows: 1000 } };
  const brought = goodRestore.slice(0, 1);
  const { set: recordedSet } = pointOf();
  const foundSet = { ...recordedSet, factsDigest: undefined, unrecorded: true as const };
  const found = pointOf({ set: foundSet, unrecorded: 'Nothing witnesses it.' });
  const inPlaceUnwitnessed = goodRestore.map((each) =>
    each.restore?.compared === undefined ? each : { ...each, restore: { ...each.restore, ...unwitnessed } },
  );
  interface Proven {
    reason: string;
    spec: Json;
    point?: RestorePoint;
    said: readonly Said[];
    proof: string;
    restored: string;
    words: RegExp;
  }
  test.each<Proven>([
    {
      reason: 'all that was loaded is equal',
      spec: beside,
      said: goodRestore.slice(0, 2),
      proof: 'Equal',
      restored: 'True',
      words: /12 objects, 1000 rows equal to the facts.* within the RTO/,
    },
    {
      reason: 'the facts do not witness all of it',
      spec: beside,
      said: [...brought, { container: 'load', restore: unwitnessed }],
      proof: 'PartlyUnknown',
      restored: 'Unknown',
      words: /that all of the backup is there is not proven\)\. It took \d+ s\.$/,
    },
    {
      reason: 'nothing has loaded the files',
      spec: onClaim,
      said: brought,
      proof: 'FilesWhole',
      restored: 'True',
      words: /nothing has loaded them\)\. It took \d+ s\.$/,
    },
    {
      reason: 'no ledger records the set, in place',
      spec: {},
      point: found,
      said: inPlaceUnwitnessed,
      proof: 'PartlyUnknown',
      restored: 'Unknown',
      words:
        /12 objects, 1000 rows equal to the facts in the set itself; no ledger records the set, .*\)\. It took \d+ s\.$/,
    },
    {
      reason: 'no ledger records the set, whatever digest its container names',
      spec: beside,
      point: found,
      said: goodRestore.slice(0, 2),
      proof: 'PartlyUnknown',
      restored: 'Unknown',
      words: /no ledger records the set, .*\)\. It took \d+ s\.$/,
    },
    {
      reason: 'no ledger records the set, of which nobody knows that its files are those that were stored',
      spec: onClaim,
      point: found,
      said: brought,
      proof: 'PartlyUnknown',
      restored: 'Unknown',
      words: /agama \(its files; no ledger records the set/,
    },
  ])('says no more than is proven: $reason', ({ spec, point, said, proof, restored, words }) => {
    const { volume } = (spec['destination'] ?? {}) as Json;
    const plan = { ...planned, said: goodPlan(point).slice(0, volume === undefined ? 2 : 1) };
    const first = judge({ spec, stages: [plan] });
    const status: RestoreRequestStatus = { plan: first.status.plan, startTime: '2026-11-15T03:40:30Z' };
    const over = judge({ spec, status, stages: [plan, restoring(said, { end: 'Complete' })] });
    expect(over.status).toMatchObject({ phase: 'Completed', policies: [{ outcome: 'Completed', proof }] });
    expect(over.status.recoveryTimeMet).toBe(proof === 'Equal' ? true : undefined);
    expect(conditions(over)).toMatchObject({ Restored: restored, Ready: restored });
    expect(over.status.message).toMatch(words);
  });

  test('a plan says of a set that no ledger records what nothing witnesses, and that is confirmed', () => {
    const of = (point: RestorePoint): RestorePlan | undefined =>
      judge({ stages: [{ ...planned, said: goodPlan(point) }] }).whole.plan;
    const plan = of(found);
    expect(plan?.policies[0]).toMatchObject({
      set: { unrecorded: true },
      unrecorded: 'Nothing witnesses it.',
      lost: expect.stringMatching(/That is the time of the set; its data may be older\.$/),
    });
    expect(of(pointOf())?.policies[0]).not.toHaveProperty('unrecorded');
    expect(of({ ...found, unrecorded: 'All is well.' })?.hash).not.toBe(plan?.hash);
    expect(of({ ...found, set: { ...foundSet, unrecorded: undefined } })?.hash).not.toBe(plan?.hash);
  });

  test('a plan says which newer sets are not taken, and that is confirmed', () => {
    const of = (point: RestorePoint): RestorePlan | undefined =>
      judge({ stages: [{ ...planned, said: goodPlan(point) }] }).whole.plan;
    const passedOver = 'The set of 2026-11-14T23:10:00Z in chain-20261108T010500Z is not restored: vol1 was changed.';
    expect(of(pointOf({ passedOver }))?.policies[0]).toMatchObject({ passedOver });
    expect(of(pointOf({ passedOver }))?.hash).not.toBe(of(pointOf())?.hash);
  });

  test('a plan says that the set is of another source than the policy names now, and that is confirmed', () => {
    const of = (source: string | undefined): RestorePlan | undefined => {
      const { set } = pointOf();
      return judge({ stages: [{ ...planned, said: goodPlan(pointOf({ set: { ...set, source } })) }] }).whole.plan;
    };
    const other = of('a'.repeat(16));
    expect(other?.policies[0]).toMatchObject({ ofAnotherSource: expect.stringContaining('Look at what is in it') });
    expect(of(subjectOfSpec().source)?.policies[0]).not.toHaveProperty('ofAnotherSource');
    expect(of(undefined)?.policies[0]).not.toHaveProperty('ofAnotherSource');
    expect(planHash(requestView(rawRequest()), other?.policies ?? [])).not.toBe(
      planHash(
        requestView(rawRequest()),
        (other?.policies ?? []).map(({ ofAnotherSource: _said, ...policy }) => policy),
      ),
    );
  });

  test('in place without a witness of all of it is not completed', () => {
    const said = goodRestore.map((each) => (each.container === 'check' ? { ...each, restore: unwitnessed } : each));
    const { status } = judge({ status: running, stages: [planned, restoring(said, { end: 'Complete' })] });
    expect(status).toMatchObject({ phase: 'Failed', failure: { reason: 'ResultMissing' } });
  });

  test('that failed says why also once its workloads are back, long after its pod said so', () => {
    const stages = [
      planned,
      restoring([...goodRestore.slice(0, 2), { container: 'swap', silent: true }], { end: 'Failed' }),
    ];
    const seen = judge({ status: stopping, held: ['agama'], stages });
    expect(seen.status).toMatchObject({ phase: 'Verifying', failure: { step: 'Swap', reason: 'RestoreInterrupted' } });
    expect(conditions(seen)).toMatchObject({ Restored: 'False', Ready: 'False', Reconciling: 'True' });
    const over = judge({ status: seen.whole, stages });
    const starts = [seen, over].map(({ status }) => status.steps?.find(({ name }) => name === 'StartWorkloads')?.state);
    expect(starts).toEqual(['Running', 'Succeeded']);
    const direct = judge({ status: stopping, stages });
    expect(over.status.failure).toEqual(direct.status.failure);
    expect(over.status.message).toMatch(/^agama failed at step Swap: The Job \S+ ended while it replaced the data/);
  });

  test('of two policies says why the first failed, long before the other ends', () => {
    const names = ['a', 'b'];
    const both = { policies: names.map((name) => ({ name })), spec: { policyRefs: names.map((name) => ({ name })) } };
    const plans = names.map((policy): StageOptions => ({ ...planned, policy }));
    const { plan } = judge({ ...both, stages: plans }).status;
    const ended = restoring(failed('load', failure), { policy: 'b', end: 'Failed' });
    const jobs = { policies: names.map((policy) => ({ policy, jobName: 'made' })), plan };
    const going = judge({
      ...both,
      status: jobs,
      stages: [...plans, ended, restoring(until('load'), { policy: 'a' })],
    });
    expect(going.status).toMatchObject({ phase: 'Restoring', failure: { policy: 'b', reason: 'ContentDiffers' } });
    const last = restoring(goodRestore, { policy: 'a', end: 'Complete' });
    const over = judge({ ...both, status: going.whole, stages: [...plans, ended, last] });
    expect(over.status).toMatchObject({
      phase: 'Failed',
      failure: { policy: 'b', step: 'Load', reason: 'ContentDiffers' },
    });
    expect(over.status.message).toMatch(/^b failed at step Load: table x differs\..*Restored all the same: a\.$/);
  });

  test('whose last look found a difference does not say that the restored data is in its place', () => {
    const said = failed('check', { ...failure, step: 'Check' }, { state: 'Unavailable' });
    const { status } = judge({ status: stopping, stages: [planned, restoring(said, { end: 'Failed' })] });
    expect(status).toMatchObject({ failure: { reason: 'ContentDiffers' }, policies: [{ state: 'Unavailable' }] });
  });

  test('whose pod cannot start says why', () => {
    const stage = { ...restoring(until('bring')), unschedulable: 'persistentvolumeclaim "nosuch" not found' };
    const { status } = judge({ status: running, stages: [planned, stage] });
    expect(status.phase).toBe('Restoring');
    expect(status.message).toMatch(/The pod \S+ of agama cannot start: persistentvolumeclaim "nosuch" not found\./);
  });

  test.each<{ reason: string; stage: 'plan' | 'restore'; afterMs: number; end?: 'Complete'; stalled?: string }>([
    { reason: 'a plan Job may get its pod', stage: 'plan', afterMs: podlessMs - 1 },
    { reason: 'a plan Job that gets none', stage: 'plan', afterMs: podlessMs, stalled: 'PodMissing' },
    { reason: 'a restore Job may get its pod', stage: 'restore', afterMs: podlessMs - 1 },
    { reason: 'a restore Job that gets none', stage: 'restore', afterMs: podlessMs, stalled: 'PodMissing' },
    { reason: 'one that is over needs none', stage: 'restore', afterMs: podlessMs, end: 'Complete' },
  ])('whose Job has no pod says where to look: $reason', ({ stage, afterMs, end, stalled }) => {
    const at = new Date(Date.parse('2026-11-15T03:40:30Z') + afterMs);
    const job: StageOptions = { ...restoring([], { end }), stage, podless: true };
    const judged = judge({
      at,
      stages: stage === 'plan' ? [job] : [planned, job],
      ...(stage === 'restore' && { status: running }),
    });
    expect(judged.stalled?.reason).toBe(stalled);
    const command = /orders-lost-(plan|restore)-\S+ gets no pod: .* kubectl describe job \S+ --namespace shop/;
    expect(command.test(judged.whole.message ?? '')).toBe(stalled !== undefined);
    expect(conditions(judged)['Stalled']).toBe(stalled === undefined && end === undefined ? undefined : 'True');
  });

  test.each([
    { stage: 'plan', does: /which looks for the backup and at the destination: /, cancels: true },
    { stage: 'restore', does: /which restores: /, cancels: true },
    { stage: 'discard', does: /which removes the safety copy: /, cancels: false },
    { stage: 'clean', does: /which removes what was loaded: /, cancels: false },
  ])(
    'whose Job to $stage was refused says what that does, and to cancel only while it can be',
    ({ stage, does, cancels }) => {
      const words = refusalWords('a-job', stage, 'exceeded quota: none.');
      expect(words).toMatch(does);
      expect(words.includes('or cancel the request')).toBe(cancels);
    },
  );

  test('whose Job was refused says so until it was tried again, in the same words', () => {
    const words = refusalWords('orders-lost-restore-1', 'restore', 'exceeded quota: none.');
    expect(words).toMatch(
      /^The API server refused the Job orders-lost-restore-1, which restores: exceeded quota: none\. .*cancel/,
    );
    const stage = withStall(begun, refusedOf([words]));
    expect(stage.status).toMatchObject({ phase: 'Restoring', message: `${begun.status.message ?? ''} ${words}` });
    const observed = { request: requestView(rawRequest()), parts: [] };
    const told = restoreRequestStatus.parse(statusOf(observed, stage, now));
    expect(refusedBefore(told)).toEqual({ reason: 'ApplyRefused', message: words });
    // What is written before the next try is what is there.
    const next = judge({ stages: [planned], status: told, verdict: accepted });
    expect(withStall(next, refusedBefore(told)).status.message).toBe(told.message);
    expect(refusedBefore(next.whole)).toBeUndefined();
    expect(withStall(next, refusedOf([]))).toBe(next);
  });

  test('of several policies starts at most four at once, the others only while a confirmation counts, and is failed when one is', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const many = { policies: names.map((name) => ({ name })), spec: { policyRefs: names.map((name) => ({ name })) } };
    const plans = names.map((policy): StageOptions => ({ ...planned, policy }));
    const first = judge({ ...many, stages: plans });
    const status: RestoreRequestStatus = { plan: first.status.plan };
    const started = judge({ ...many, stages: plans, status, verdict: accepted });
    expect(started.wanted.start.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
    const four = names.slice(0, 4).map((policy) => restoring(until('load'), { policy }));
    const jobs = names.slice(0, 4).map((policy) => ({ policy, jobName: 'made' }));
    const lapsed = judge({
      ...many,
      stages: [...plans, ...four],
      status: { ...started.whole, policies: jobs },
      verdict: { refused: [] },
    });
    expect(lapsed.status.failure).toMatchObject({ policy: 'e', reason: 'ConfirmationLapsed' });
    expect(lapsed.wanted.start).toEqual([]);
    const ended = names.map((policy): StageOptions =>
      restoring(policy === 'c' ? failed('load', failure) : goodRestore, {
        policy,
        end: policy === 'c' ? 'Failed' : 'Complete',
      }),
    );
    const over = judge({ ...many, status: started.whole, stages: [...plans, ...ended] });
    expect(over.status).toMatchObject({ phase: 'Failed', failure: { policy: 'c', reason: 'ContentDiffers' } });
    expect(over.status.message).toContain('Restored all the same: a, b, d, e.');
  });
});
