import * as fc from 'fast-check';
import type { RestoreConfirmation } from '../../../../src/api/v1alpha1/restoreconfirmation.ts';
import { restoreRequestStatus, type RestoreRequest } from '../../../../src/api/v1alpha1/restorerequest.ts';
import { judge, sift, type Question } from '../../../../src/restore/confirmation/judge.ts';

const hash = 'a'.repeat(64);
const operator = 'system:serviceaccount:holdfast-system:holdfast';
const duty = 'system:serviceaccount:ops:duty';

const at = (time: string): string => `2026-11-24T${time}Z`;
const now = new Date(at('12:00:00'));

const metadata = (name: string, changes: Partial<RestoreRequest['metadata']> = {}): RestoreRequest['metadata'] => ({
  name,
  namespace: 'shop',
  uid: `uid-of-${name}`,
  generation: 1,
  resourceVersion: '1',
  creationTimestamp: at('10:30:00'),
  ...changes,
});

const request = (
  spec: Partial<RestoreRequest['spec']> = {},
  changes: Partial<RestoreRequest['metadata']> = {},
): RestoreRequest => ({
  metadata: metadata('lost', { creationTimestamp: at('10:00:00'), ...changes }),
  spec: {
    policyRefs: [{ name: 'agama' }],
    destination: { inPlace: {} },
    reason: 'Deleted',
    requestedBy: 'rita',
    ttlAfterFinished: '4w',
    cancel: false,
    externalStopped: false,
    ...spec,
  },
});

const confirmation = (
  spec: Partial<RestoreConfirmation['spec']> = {},
  changes: Partial<RestoreConfirmation['metadata']> = {},
): RestoreConfirmation => ({
  metadata: metadata('yes', changes),
  spec: {
    request: { name: 'lost', uid: 'uid-of-lost' },
    planHash: hash,
    confirmedBy: 'carl',
    groups: [],
    reason: 'the table is gone',
    ...spec,
  },
});

const question = (changes: Partial<Question> = {}): Question => ({
  request: request(),
  plan: { hash, plannedTime: at('10:20:00.500') },
  mode: 'OnePerson',
  confirmations: [confirmation()],
  admission: { inForceSince: new Date(at('09:00:00')) },
  accounts: { operator, requesters: [], confirmers: [duty] },
  now,
  ...changes,
});

/** Everybody may confirm but those named. */
const judged = (asked: Question, ...mayNot: string[]) =>
  judge(
    asked,
    new Map(asked.confirmations.map(({ metadata: { uid }, spec }) => [uid, !mayNot.includes(spec.confirmedBy)])),
  );

const accepted: { asked: Question; reason: string }[] = [
  { asked: question(), reason: 'one person, who is another' },
  {
    asked: question({ confirmations: [confirmation({ confirmedBy: 'rita' })] }),
    reason: 'one person, who asked for it as well',
  },
  { asked: question({ mode: 'TwoPersons' }), reason: 'two persons' },
  { asked: question({ confirmations: [confirmation({ confirmedBy: duty })] }), reason: 'a listed service account' },
  {
    asked: question({ mode: 'TwoPersons', confirmations: [confirmation({ confirmedBy: duty })] }),
    reason: 'a listed service account beside a person',
  },
  {
    asked: question({ confirmations: [confirmation({}, { creationTimestamp: at('10:20:00') })] }),
    reason: 'in the very second of the plan: creation times are rounded down',
  },
  {
    asked: question({ request: request({ externalStopped: true }, { generation: 2 }) }),
    reason: 'what is outside was stopped meanwhile',
  },
  {
    asked: question({ admission: { inForceSince: new Date(at('10:00:00')) } }),
    reason: 'the request is as old as admission',
  },
  {
    asked: question({ now: new Date(Date.parse(at('10:30:00')) + 24 * 3_600_000 - 1) }),
    reason: 'the last moment of its day',
  },
];

test.each(accepted)('it goes ahead: $reason', ({ asked }) => {
  const [{ metadata: made, spec } = confirmation()] = asked.confirmations;
  expect(judged(asked)).toEqual({
    mayGo: true,
    accepted: { name: 'yes', uid: 'uid-of-yes', confirmedBy: spec.confirmedBy, time: made.creationTimestamp },
    refused: [],
    wakeAt: new Date(Date.parse(made.creationTimestamp) + 24 * 3_600_000),
  });
});

const refused: { asked: Question; as: string; says: string; reason: string }[] = [
  {
    asked: question({ confirmations: [confirmation({ request: { name: 'lost', uid: 'another' } })] }),
    as: 'OtherRequest',
    says: 'uid-of-lost',
    reason: 'a request that was deleted and made again',
  },
  {
    asked: question({ confirmations: [confirmation({ planHash: 'b'.repeat(64) })] }),
    as: 'OtherPlan',
    says: 'another plan',
    reason: 'a plan that is not the present one',
  },
  {
    asked: question({ confirmations: [confirmation({}, { creationTimestamp: at('10:19:59') })] }),
    as: 'BeforePlan',
    says: 'before the plan of',
    reason: 'nobody had read the plan',
  },
  {
    asked: question({
      request: request({}, { creationTimestamp: at('11:00:00') }),
      admission: { inForceSince: new Date(at('10:45:00')) },
    }),
    as: 'BeforeAdmission',
    says: 'nothing bound it to its author',
    reason: 'made while anybody’s name could be written',
  },
  {
    asked: question({ now: new Date(Date.parse(at('10:30:00')) + 24 * 3_600_000) }),
    as: 'Lapsed',
    says: 'counts for 24 hours',
    reason: 'a day old',
  },
  {
    asked: question({ confirmations: [confirmation({}, { generation: 2 })] }),
    as: 'Changed',
    says: 'changed after it was made',
    reason: 'its spec was another one',
  },
  {
    asked: question({ confirmations: [confirmation({}, { deletionTimestamp: at('11:00:00') })] }),
    as: 'BeingDeleted',
    says: 'being deleted',
    reason: 'taken back',
  },
  {
    asked: question({ confirmations: [confirmation({ confirmedBy: operator })] }),
    as: 'NoPerson',
    says: 'operator’s own account',
    reason: 'the operator’s token',
  },
  {
    asked: question({
      accounts: { operator, requesters: [], confirmers: [operator] },
      confirmations: [confirmation({ confirmedBy: operator })],
    }),
    as: 'NoPerson',
    says: 'operator’s own account',
    reason: 'the operator’s, even where it is listed',
  },
  {
    asked: question({ confirmations: [confirmation({ confirmedBy: 'system:serviceaccount:shop:ci' })] }),
    as: 'NoPerson',
    says: 'admission.confirmServiceAccounts',
    reason: 'a service account that is not listed',
  },
  {
    asked: question({ accounts: undefined, confirmations: [confirmation({ confirmedBy: duty })] }),
    as: 'NoPerson',
    says: 'admission.confirmServiceAccounts',
    reason: 'nobody is listed',
  },
  {
    asked: question({ confirmations: [confirmation({ confirmedBy: 'system:anonymous' })] }),
    as: 'NoPerson',
    says: 'no person',
    reason: 'nobody at all',
  },
  ...['rita', 'Rita', 'RITA ', 'ｒｉｔａ'].map((confirmedBy) => ({
    asked: question({ mode: 'TwoPersons', confirmations: [confirmation({ confirmedBy })] }),
    as: 'SamePerson',
    says: 'Have another confirm',
    reason: `the requester, written as "${confirmedBy}"`,
  })),
];

test.each(refused)('it does not count ($as): $reason', ({ asked, as, says }) => {
  const { mayGo, accepted: none, refused: why } = judged(asked);
  expect({ mayGo, none }).toEqual({ mayGo: false, none: undefined });
  expect(why).toEqual([{ name: 'yes', reason: as, message: expect.stringContaining(says) }]);
});

test('whoever lost the right does not count, and is asked about again', () => {
  expect(judged(question(), 'carl')).toEqual({
    mayGo: false,
    refused: [{ name: 'yes', reason: 'RightMissing', message: expect.stringContaining('carl may not confirm') }],
    wakeAt: new Date(now.getTime() + 60_000),
  });
});

test('whose right nobody asked for is not taken', () => {
  expect(judge(question(), new Map())).toEqual({ mayGo: false, refused: [] });
});

const blocked: { asked: Question; as: string; says: string; reason: string }[] = [
  {
    asked: question({ request: request({}, { deletionTimestamp: at('11:00:00') }) }),
    as: 'RequestGone',
    says: 'being deleted',
    reason: 'nobody wants it any more',
  },
  {
    asked: question({ request: request({ cancel: true }) }),
    as: 'RequestCancelled',
    says: 'cancelled',
    reason: 'somebody stopped it',
  },
  {
    asked: question({ admission: { problem: 'Nothing binds it.' } }),
    as: 'AdmissionMissing',
    says: 'Nothing binds it.',
    reason: 'no admission',
  },
  {
    asked: question({ admission: { inForceSince: new Date(at('10:00:01')) } }),
    as: 'RequestBeforeAdmission',
    says: 'Make it anew',
    reason: 'requestedBy could be anybody’s name',
  },
  {
    asked: question({ mode: 'None', request: request({ cancel: true }) }),
    as: 'RequestCancelled',
    says: 'cancelled',
    reason: 'also where nobody is to confirm',
  },
];

test.each(blocked)('nothing goes ahead ($as): $reason', ({ asked, as, says }) => {
  const { mayGo, accepted: none, blocked: why } = judged(asked);
  expect({ mayGo, none, why }).toEqual({
    mayGo: false,
    none: undefined,
    why: { reason: as, message: expect.stringContaining(says) },
  });
  expect(sift(asked).candidates).toEqual([]);
});

test('where nobody is to confirm, no admission is needed', () => {
  const asked = question({ mode: 'None', confirmations: [], admission: { problem: 'off' }, accounts: undefined });
  expect(judged(asked)).toEqual({ mayGo: true, refused: [] });
});

const made = (name: string, creationTimestamp: string, confirmedBy = 'carl'): RestoreConfirmation =>
  confirmation({ confirmedBy }, { ...metadata(name), creationTimestamp });

const several = [
  made('c', at('11:00:00')),
  made('b', at('10:40:00'), 'nils'),
  made('a', at('11:00:00')),
  made('d', at('10:50:00'), 'dora'),
];

test.each([
  { mayNot: [], name: 'b', reason: 'the earliest' },
  { mayNot: ['nils'], name: 'd', reason: 'the earliest of those who may' },
  { mayNot: ['nils', 'dora'], name: 'a', reason: 'of one second, by name' },
])('of several one is taken: $reason', ({ mayNot, name }) => {
  fc.assert(
    fc.property(fc.shuffledSubarray(several, { minLength: several.length }), (confirmations) => {
      expect(judged(question({ confirmations }), ...mayNot).accepted?.name).toBe(name);
    }),
  );
});

test('what is for another request is none of its business', () => {
  const confirmations = [confirmation({ request: { name: 'other', uid: 'uid-of-lost' } })];
  expect(judged(question({ confirmations }))).toEqual({ mayGo: false, refused: [] });
});

test('status has room for what is refused, whatever the names are, and shows the newest', () => {
  const long = 'x'.repeat(256);
  const many = Array.from({ length: 30 }, (_, index) => {
    const spec = { request: { name: 'lost', uid: 'y'.repeat(64) }, confirmedBy: long };
    return confirmation(spec, {
      name: `c${index}`,
      uid: `${index}`,
      creationTimestamp: at(`10:${30 + (index % 30)}:00`),
    });
  });
  const { refused: shown } = judged(question({ confirmations: many }));
  expect(shown.map(({ name }) => name)).toEqual(['c29', 'c28', 'c27', 'c26', 'c25', 'c24', 'c23', 'c22']);
  expect(restoreRequestStatus.safeParse({ refused: shown }).success).toBe(true);
  const admission = { problem: 'Nothing binds it.' };
  expect(judged(question({ confirmations: many, admission })).refused).toHaveLength(8);
  for (const { asked } of refused) {
    expect(restoreRequestStatus.safeParse({ refused: judged(asked).refused }).success).toBe(true);
  }
});

test('whatever is asked, a restore goes ahead by a confirmation that names this request, this plan and its day, or not at all', () => {
  const times = fc.integer({ min: Date.parse(at('09:00:00')), max: Date.parse(at('11:59:59')) });
  const any = fc.record({
    uid: fc.constantFrom('uid-of-lost', 'another'),
    planHash: fc.constantFrom(hash, 'b'.repeat(64)),
    confirmedBy: fc.constantFrom('rita', 'Rita', 'carl', operator, duty),
    time: times,
    generation: fc.constantFrom(1, 2),
  });
  fc.assert(
    fc.property(
      fc.array(any, { maxLength: 6 }),
      fc.constantFrom('OnePerson', 'TwoPersons'),
      times,
      (all, mode, since) => {
        const confirmations = all.map(({ uid, time, generation, ...spec }, index) =>
          confirmation(
            { ...spec, request: { name: 'lost', uid } },
            { uid: `${index}`, generation, creationTimestamp: new Date(time).toISOString() },
          ),
        );
        const inForceSince = new Date(since);
        const { mayGo, accepted: taken } = judged(question({ confirmations, mode, admission: { inForceSince } }));
        if (!mayGo) return;
        const chosen = all[Number(taken?.uid)];
        expect(chosen).toMatchObject({ uid: 'uid-of-lost', planHash: hash, generation: 1 });
        expect(chosen?.time).toBeGreaterThanOrEqual(since);
        expect(chosen?.confirmedBy).not.toBe(operator);
        expect(`${mode} ${chosen?.confirmedBy.toLowerCase()}`).not.toBe('TwoPersons rita');
      },
    ),
  );
});
