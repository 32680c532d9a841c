import { restoreAdmissionNames } from '../../../src/admission/objects.ts';
import type { ConfirmationMode } from '../../../src/api/v1alpha1/restore-policy.ts';
import { resourcePath } from '../../../src/kube/path.ts';
import { isRecord, type KubeObject } from '../../../src/kube/types.ts';
import { reasonPlaceholder } from '../../../src/api/v1alpha1/restoreconfirmation.ts';
import { lapseMs, type Judgement } from '../../../src/restore/confirmation/judge.ts';
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts';
import { untilEstablished } from '../../cluster/crds.ts';
import { waitUntil } from '../../cluster/process.ts';
import { installChart } from '../chart/support.ts';
import { untilInForce, weaken, type Weakening, withSpec } from './admission-objects.ts';
import { binding, listedConfirmer, listedRequester, meet, operator, type People, settle, unlisted } from './people.ts';
import {
  admission,
  call,
  confirmations,
  createStage,
  hashOf,
  merge,
  requestOf,
  requests,
  type Stage,
  writePlan,
} from './stage.ts';

/*
 * How somebody who is not entitled tries to have data replaced, against a real API server, by people with certificates, by service accounts
 * with tokens, and with the rights of the chart. Each is refused at the door, or does not count; none restores.
 */

let plane: ControlPlane;
let people: People;

const crds = ['backuppolicies', 'restorerequests', 'restoreconfirmations'].map((plural) => `${plural}.holdfast.dev`);

beforeAll(async () => {
  plane = await startControlPlane({ controllerManager: true });
  const lists = { restoreServiceAccounts: listedRequester, confirmServiceAccounts: listedConfirmer };
  await installChart(plane, ...Object.entries(lists).flatMap(([name, one]) => ['--set', `admission.${name}={${one}}`]));
  for (const crd of crds) await untilEstablished(plane, crd);
  people = meet(plane);
  await settle(plane);
  await untilInForce(people);
}, 180_000);

afterAll(async () => {
  people?.close();
  await plane?.stop();
});

let made = 0;
const nextName = (): string => `attack-${(made += 1)}`;

const bindUser = async (name: string, role: string, user: string): Promise<void> => {
  const manifest = binding(name, role, [user], 'shop');
  await plane.kubectl(['apply', '--filename', '-'], { input: JSON.stringify(manifest) });
};

/** Waits until the authorizer knows of a change of rights. */
const untilMay = async (user: string, verb: string, expected: boolean): Promise<void> =>
  waitUntil(
    async () => {
      const answer = await people.admin.request({
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: {
            user,
            resourceAttributes: { verb, group: 'holdfast.dev', resource: 'restorerequests', namespace: 'shop' },
          },
        },
      });
      return isRecord(answer) && isRecord(answer['status']) && (answer['status']['allowed'] === true) === expected;
    },
    { timeoutMs: 20_000, describe: () => `${user} ${verb}: not ${String(expected)}` },
  );

const entitled: {
  asker: string;
  confirmer: string;
  groups?: string[];
  mode: ConfirmationMode;
  reason: string;
}[] = [
  { asker: 'rita', confirmer: 'carl', mode: 'TwoPersons', reason: 'two persons' },
  { asker: 'dora', confirmer: 'dora', mode: 'OnePerson', reason: 'one person is enough' },
  { asker: 'rita', confirmer: 'gina', groups: ['oncall'], mode: 'TwoPersons', reason: 'by the right of a group' },
  { asker: listedRequester, confirmer: 'carl', mode: 'TwoPersons', reason: 'asked for by a listed service account' },
  { asker: 'rita', confirmer: listedConfirmer, mode: 'TwoPersons', reason: 'confirmed by a listed service account' },
];

test.each(entitled)(
  'who is entitled restores: $reason',
  async ({ asker, confirmer, groups = [], mode }) => {
    await people.as(confirmer, groups);
    const stage = await createStage(people, nextName(), { asker });
    expect(await stage.judge({ mode })).toEqual({ mayGo: false, refused: [] });
    const { metadata } = await stage.confirm(confirmer, { groups });
    expect(await stage.judge({ mode })).toEqual({
      mayGo: true,
      accepted: { name: metadata.name, uid: metadata.uid, confirmedBy: confirmer, time: metadata.creationTimestamp },
      refused: [],
      wakeAt: new Date(Date.parse(metadata.creationTimestamp ?? '') + lapseMs),
    });
  },
  60_000,
);

type How = Parameters<Stage['judge']>[0];

interface Attack {
  reason: string;
  asker?: string;
  where?: string;
  mode?: ConfirmationMode;
  /** What is tried. It throws where it is refused; gives how the operator is asked in the end. */
  play: (stage: Stage) => Promise<How | void | KubeObject | string>;
  /** At the door: what the API server says. Otherwise why the operator does not act; Nothing: it sees none. */
  by: 'Door' | 'Nothing' | NonNullable<Judgement['blocked']>['reason'] | Judgement['refused'][number]['reason'];
  says?: string;
}

const createConfirmation = async (stage: Stage, who: string, body: object, extra: object = {}): Promise<KubeObject> =>
  call(await people.as(who), {
    method: 'POST',
    type: confirmations,
    where: stage.planned.where,
    body,
    ...extra,
  });

/** A merge patch of the request, as somebody. */
const patchRequest = async (stage: Stage, who: string, body: object, subresource?: 'status'): Promise<KubeObject> => {
  const { name, where } = stage.planned;
  return call(who === 'admin' ? people.admin : await people.as(who), {
    method: 'PATCH',
    type: requests,
    where,
    name,
    contentType: merge,
    body,
    ...(subresource !== undefined && { subresource }),
  });
};

const remove = async (who: string, type: typeof requests | typeof confirmations, where: string, name: string) => {
  await call(who === 'admin' ? people.admin : await people.as(who), { method: 'DELETE', type, where, name });
};

const forgedPlan = {
  status: { plan: { policies: [], confirmation: 'None', plannedTime: '2026-01-01T00:00:00Z', hash: hashOf('forged') } },
};

const confirmationsPath = resourcePath({ type: confirmations, namespace: 'shop' });

const attacks: Attack[] = [
  // Somebody who is not another.
  {
    reason: 'one’s own request, where two persons are asked for',
    asker: 'dora',
    mode: 'TwoPersons',
    play: (stage) => stage.confirm('dora'),
    by: 'SamePerson',
    says: 'Have another confirm',
  },
  {
    reason: 'one’s own, by a second account that is spelt otherwise',
    asker: 'dora',
    mode: 'TwoPersons',
    play: (stage) => stage.confirm('Dora'),
    by: 'SamePerson',
    says: 'Have another confirm',
  },
  {
    reason: 'another’s name in one’s own request, to be the second person then',
    play: async (stage) =>
      call(await people.as('eve'), {
        method: 'POST',
        type: requests,
        where: 'shop',
        body: requestOf(`${stage.planned.name}-b`, 'rita'),
      }),
    by: 'Door',
    says: 'spec.requestedBy: it says "rita", and you are "eve"',
  },
  {
    reason: 'the name in one’s own request changed afterwards',
    asker: 'dora',
    mode: 'TwoPersons',
    play: (stage) => patchRequest(stage, 'dora', { spec: { requestedBy: 'rita' } }),
    by: 'Door',
    says: 'requestedBy cannot be changed',
  },
  {
    reason: 'another’s name in the confirmation',
    play: (stage) => stage.confirm('eve', { confirmedBy: 'carl' }),
    by: 'Door',
    says: 'spec.confirmedBy: it says "carl", and you are "eve"',
  },
  {
    reason: 'another’s name, by who may confirm himself',
    asker: 'dora',
    mode: 'TwoPersons',
    play: (stage) => stage.confirm('dora', { confirmedBy: 'carl' }),
    by: 'Door',
    says: 'spec.confirmedBy: it says "carl"',
  },
  {
    reason: 'another’s name under a generated name',
    play: (stage) => {
      const { metadata, ...body } = stage.confirmationOf('carl');
      return createConfirmation(stage, 'eve', { ...body, metadata: { generateName: `${metadata.name}-` } });
    },
    by: 'Door',
    says: 'spec.confirmedBy: it says "carl"',
  },
  {
    reason: 'another’s name by server-side apply',
    play: async (stage) => {
      const body = stage.confirmationOf('carl');
      return call(await people.as('eve'), {
        method: 'PATCH',
        type: confirmations,
        where: 'shop',
        name: body.metadata.name,
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager: 'eve', force: true },
        body,
      });
    },
    by: 'Door',
    says: 'spec.confirmedBy: it says "carl"',
  },
  {
    reason: 'impersonation without the right to it',
    play: async (stage) =>
      plane.kubectl(['create', '--raw', confirmationsPath, '--as', 'carl', '--filename', '-'], {
        kubeconfig: await plane.kubeconfigFor('eve'),
        input: JSON.stringify(stage.confirmationOf('carl')),
      }),
    by: 'Door',
    says: 'cannot impersonate resource "users"',
  },
  {
    reason: 'the command of the plan as it stands there, without a word of one’s own',
    play: (stage) => stage.confirm('carl', { reason: reasonPlaceholder }),
    by: 'Door',
    says: 'write what was lost and how you know',
  },
  // Somebody without the right.
  {
    reason: 'no right to write confirmations',
    play: (stage) => stage.confirm('rita'),
    by: 'Door',
    says: 'cannot create resource "restoreconfirmations"',
  },
  {
    reason: 'every right but the one to confirm',
    play: (stage) => stage.confirm('eve'),
    by: 'Door',
    says: 'You may not confirm the RestoreRequest',
  },
  {
    reason: 'the right for another request',
    play: (stage) => stage.confirm('fred'),
    by: 'Door',
    says: 'You may not confirm the RestoreRequest',
  },
  {
    reason: 'the right in another namespace, used there for a request of this name and UID',
    play: async (stage) => {
      const client = await people.as('otto');
      await call(client, { method: 'POST', type: confirmations, where: 'other', body: stage.confirmationOf('otto') });
    },
    by: 'Nothing',
  },
  {
    reason: 'the right in another namespace, used here',
    play: (stage) => stage.confirm('otto'),
    by: 'Door',
    says: 'cannot create resource "restoreconfirmations"',
  },
  {
    reason: 'a group that one is not in',
    play: (stage) => stage.confirm('carl', { groups: ['oncall'] }),
    by: 'Door',
    says: 'spec.groups: you are not in oncall',
  },
  {
    reason: 'a group that has the right, and is not named: the right would rest on what nobody checked',
    play: async (stage) => {
      await people.as('gina', ['oncall']);
      await stage.confirm('gina');
    },
    by: 'RightMissing',
    says: 'name it in spec.groups',
  },
  {
    reason: 'a right that was taken away after the confirmation',
    play: async (stage) => {
      await bindUser('tom', 'holdfast-restore-confirm', 'tom');
      await untilMay('tom', 'confirm', true);
      await stage.confirm('tom');
      expect((await stage.judge()).mayGo).toBe(true);
      await plane.kubectl(['delete', 'rolebinding', 'tom', '--namespace', 'shop']);
      await untilMay('tom', 'confirm', false);
    },
    by: 'RightMissing',
    says: 'tom may not confirm this request (any more)',
  },
  // Programs.
  {
    reason: 'the operator’s token, with the rights of the chart',
    play: (stage) => stage.confirm(operator),
    by: 'Door',
    says: 'cannot create resource "restoreconfirmations"',
  },
  {
    reason: 'the operator’s token, with every right there is',
    where: 'other',
    asker: unlisted.replace('bot', 'argo'),
    play: (stage) => stage.confirm(operator),
    by: 'Door',
    says: 'service accounts may not confirm a restore',
  },
  {
    reason: 'a request of the operator’s token, with every right there is',
    where: 'other',
    asker: listedRequester,
    play: async (stage) =>
      call(await people.as(operator), {
        method: 'POST',
        type: requests,
        where: 'other',
        body: requestOf(`${stage.planned.name}-b`, operator),
      }),
    by: 'Door',
    says: 'service accounts may not ask for a restore',
  },
  {
    reason: 'a service account that is not listed',
    play: (stage) => stage.confirm(unlisted),
    by: 'Door',
    says: 'admission.confirmServiceAccounts',
  },
  {
    reason: 'one that is listed for requests alone',
    play: (stage) => stage.confirm(listedRequester),
    by: 'Door',
    says: 'admission.confirmServiceAccounts',
  },
  {
    reason: 'a request of one that is listed for confirmations alone',
    play: async (stage) =>
      call(await people.as(listedConfirmer), {
        method: 'POST',
        type: requests,
        where: 'shop',
        body: requestOf(`${stage.planned.name}-b`, listedConfirmer),
      }),
    by: 'Door',
    says: 'admission.restoreServiceAccounts',
  },
  {
    reason: 'a service account under the name of a person',
    play: (stage) => stage.confirm(unlisted, { confirmedBy: 'carl' }),
    by: 'Door',
    says: 'spec.confirmedBy: it says "carl"',
  },
  {
    reason: 'the operator says that what is outside is stopped',
    play: (stage) => patchRequest(stage, operator, { spec: { externalStopped: true } }),
    by: 'Door',
    says: 'say externalStopped',
  },
  {
    reason: 'a service account that is not listed says so',
    play: (stage) => patchRequest(stage, unlisted, { spec: { externalStopped: true } }),
    by: 'Door',
    says: 'admission.restoreServiceAccounts',
  },
  // Another plan, another request, another day.
  {
    reason: 'a hash that was guessed',
    play: (stage) => stage.confirm('carl', { planHash: hashOf('guessed') }),
    by: 'OtherPlan',
    says: 'Read the plan, and confirm it anew',
  },
  {
    reason: 'the hash of an earlier plan',
    play: async (stage) => {
      await stage.confirm('carl');
      expect((await stage.judge()).mayGo).toBe(true);
      await stage.plan({ content: 'another' });
    },
    by: 'OtherPlan',
    says: 'Read the plan, and confirm it anew',
  },
  {
    reason: 'a confirmation that was made before the plan, whose hash could be foreseen',
    play: async (stage) => {
      await stage.confirm('carl');
      await stage.plan({ plannedTime: new Date(Date.now() + 5000).toISOString() });
    },
    by: 'BeforePlan',
    says: 'before the plan of',
  },
  {
    reason: 'the confirmation of a request that was deleted and made again, with the same plan',
    play: async (stage) => {
      const { name } = stage.planned;
      await stage.confirm('carl');
      await remove('rita', requests, 'shop', name);
      const again = await createStage(people, name);
      expect(again.planned.plan.hash).toBe(stage.planned.plan.hash);
      expect(again.planned.uid).not.toBe(stage.planned.uid);
      expect(await again.judge()).toMatchObject({ mayGo: false, refused: [{ reason: 'OtherRequest' }] });
    },
    by: 'RequestGone',
    says: 'another of its name was made',
  },
  {
    reason: 'a confirmation of a day ago',
    play: async (stage) => {
      await stage.confirm('carl');
      return { now: new Date(Date.now() + lapseMs) };
    },
    by: 'Lapsed',
    says: 'counts for 24 hours',
  },
  {
    reason: 'a request that was cancelled after it was confirmed',
    play: async (stage) => {
      await stage.confirm('carl');
      await patchRequest(stage, 'rita', { spec: { cancel: true } });
    },
    by: 'RequestCancelled',
    says: 'cancelled',
  },
  {
    reason: 'a request that is being deleted',
    play: async (stage) => {
      await patchRequest(stage, operator, { metadata: { finalizers: ['holdfast.dev/test'] } });
      await stage.confirm('carl');
      await remove('rita', requests, 'shop', stage.planned.name);
    },
    by: 'RequestGone',
    says: 'being deleted',
  },
  {
    reason: 'a confirmation that was taken back',
    play: async (stage) => {
      const { metadata } = await stage.confirm('carl');
      await remove('eve', confirmations, 'shop', metadata.name);
    },
    by: 'Nothing',
  },
  {
    reason: 'one that was taken back, and is not gone yet',
    play: async (stage) => {
      const body = stage.confirmationOf('carl');
      const metadata = { ...body.metadata, finalizers: ['holdfast.dev/test'] };
      await createConfirmation(stage, 'carl', { ...body, metadata });
      await remove('eve', confirmations, 'shop', metadata.name);
    },
    by: 'BeingDeleted',
    says: 'Make another',
  },
  {
    reason: 'one that was deleted and made again in the name of its author',
    play: async (stage) => {
      const { metadata } = await stage.confirm('carl', { planHash: hashOf('an earlier one') });
      await remove('eve', confirmations, 'shop', metadata.name);
      await createConfirmation(stage, 'eve', stage.confirmationOf('carl'));
    },
    by: 'Door',
    says: 'spec.confirmedBy: it says "carl"',
  },
  {
    reason: 'one that was only tried (a dry run)',
    play: async (stage) => {
      await createConfirmation(stage, 'carl', stage.confirmationOf('carl'), { query: { dryRun: 'All' } });
    },
    by: 'Nothing',
  },
  // What was made is changed.
  {
    reason: 'another’s confirmation patched onto the present plan',
    play: async (stage) => {
      const { metadata } = await stage.confirm('carl', { planHash: hashOf('an earlier one') });
      return call(await people.as('eve'), {
        method: 'PATCH',
        type: confirmations,
        where: 'shop',
        name: metadata.name,
        contentType: merge,
        body: { spec: { planHash: stage.planned.plan.hash } },
      });
    },
    by: 'Door',
    says: 'cannot be changed',
  },
  {
    reason: 'another’s confirmation taken over by server-side apply',
    play: async (stage) => {
      const { metadata } = await stage.confirm('carl', { planHash: hashOf('an earlier one') });
      const body = stage.confirmationOf('carl');
      return call(await people.as('eve'), {
        method: 'PATCH',
        type: confirmations,
        where: 'shop',
        name: metadata.name,
        contentType: 'application/apply-patch+yaml',
        query: { fieldManager: 'eve', force: true },
        body: { ...body, metadata: { name: metadata.name } },
      });
    },
    by: 'Door',
    says: 'cannot be changed',
  },
  {
    reason: 'a request turned to another destination after it was confirmed',
    play: async (stage) => {
      await stage.confirm('carl', { planHash: hashOf('an earlier one') });
      await patchRequest(stage, 'rita', { spec: { destination: { inPlace: { overwriteHealthy: true } } } });
    },
    by: 'Door',
    says: 'destination cannot be changed',
  },
  {
    reason: 'the shown plan exchanged through the status, by somebody whom RBAC lets',
    play: (stage) => patchRequest(stage, 'eve', forgedPlan, 'status'),
    by: 'Door',
    says: 'status: only the operator',
  },
  {
    reason: 'so by the administrator of the cluster',
    play: (stage) => patchRequest(stage, 'admin', forgedPlan, 'status'),
    by: 'Door',
    says: 'status: only the operator',
  },
  {
    reason: 'a plan that comes with the request itself',
    play: async (stage) => {
      const { name } = stage.planned;
      await remove('eve', requests, 'shop', name);
      const body = { ...requestOf(name, 'eve'), ...forgedPlan };
      const { metadata } = await call(await people.as('eve'), { method: 'POST', type: requests, where: 'shop', body });
      const { plan } = forgedPlan.status;
      await stage.confirm('carl', { request: { name, uid: metadata.uid }, planHash: plan.hash });
      const shown = await call(people.admin, { method: 'GET', type: requests, where: 'shop', name });
      expect(shown['status']).toBeUndefined();
    },
    by: 'RequestGone',
    says: 'another of its name was made',
  },
  {
    reason: 'the plan in hand is not the one that is shown',
    play: async (stage) => {
      const { where, name } = stage.planned;
      const request = await call(people.admin, { method: 'GET', type: requests, where, name });
      await stage.confirm('carl');
      await writePlan(people, request, { content: 'shown meanwhile' });
    },
    by: 'PlanChanged',
    says: 'another plan',
  },
  {
    reason: 'a Secret that the requester may not read, of a server of his choice',
    play: async (stage) => {
      const mysql = { host: 'evil.example.com', credentialsSecretRef: { name: 'root' } };
      const body = requestOf(`${stage.planned.name}-b`, 'rita', { destination: { server: { mysql } } });
      return call(await people.as('rita'), { method: 'POST', type: requests, where: 'shop', body });
    },
    by: 'Door',
    says: 'spec.destination.server.mysql.credentialsSecretRef: you may not get the Secret "root"',
  },
  {
    reason: 'an operator that knows of no admission',
    play: async (stage) => {
      await stage.confirm('carl');
      return { admission: undefined };
    },
    by: 'AdmissionMissing',
    says: 'runs without admission',
  },
  {
    reason: 'an operator whose lists of service accounts are others than those in force',
    play: async (stage) => {
      await stage.confirm(listedConfirmer);
      const accounts = { ...admission.accounts, confirmers: [listedConfirmer, unlisted] };
      return { admission: { ...admission, accounts } };
    },
    by: 'AdmissionMissing',
    says: 'not as this version ships it',
  },
];

const isHow = (value: unknown): value is How =>
  isRecord(value) && ('now' in value || 'admission' in value || 'mode' in value);

const codeOf = (error: unknown): unknown => (isRecord(error) ? error['code'] : undefined);

/** How an attack ended: what the API server said, or what was there for the operator to judge. */
const outcomeOf = async (play: Promise<unknown>): Promise<{ answer: unknown } | { error: unknown }> =>
  play.then(
    (answer) => ({ answer }),
    (error: unknown) => ({ error }),
  );

/** Why nothing is restored: once each, with all that is said. */
const whysOf = ({ refused, blocked }: Judgement): { reasons: string[]; words: string } => {
  const all = [...(blocked === undefined ? [] : [blocked]), ...refused];
  return {
    reasons: [...new Set(all.map(({ reason }) => reason))],
    words: all.map(({ message }) => message).join('\n'),
  };
};

test('the table is as long as it should be, and says of each why', () => {
  expect(attacks.length).toBeGreaterThan(40);
  expect(new Set(attacks.map(({ reason }) => reason)).size).toBe(attacks.length);
});

test.each(attacks.filter(({ by }) => by === 'Door'))(
  'is refused when it is tried, and does not restore: $reason',
  async ({ asker = 'rita', where = 'shop', mode = 'OnePerson', play, says = '' }) => {
    const stage = await createStage(people, nextName(), { asker, where });
    const outcome = await outcomeOf(play(stage));
    const error = 'error' in outcome ? outcome.error : `went through: ${JSON.stringify(outcome.answer)}`;
    expect(String(error)).toContain(says);
    // kubectl, which is used where a header is needed, tells no code.
    expect([403, 422, undefined]).toContain(codeOf(error));
    expect(await stage.judge({ mode })).toMatchObject({ mayGo: false });
  },
  60_000,
);

test.each(attacks.filter(({ by }) => by !== 'Door'))(
  'is taken by the API server, and does not restore ($by): $reason',
  async ({ asker = 'rita', where = 'shop', mode = 'OnePerson', play, by, says = '' }) => {
    const stage = await createStage(people, nextName(), { asker, where });
    const how = await play(stage);
    const judgement = await stage.judge({ mode, ...(isHow(how) ? how : {}) });
    expect(judgement).toMatchObject({ mayGo: false });
    expect(judgement.accepted).toBeUndefined();
    const { reasons, words } = whysOf(judgement);
    expect(reasons).toEqual(by === 'Nothing' ? [] : [by]);
    expect(words).toContain(says);
  },
  60_000,
);

describe('the admission policies themselves', () => {
  const opened = (found: KubeObject): KubeObject => {
    const spec = isRecord(found['spec']) ? found['spec'] : {};
    const validations = Array.isArray(spec['validations']) ? spec['validations'].filter(isRecord) : [];
    return withSpec({ validations: validations.map((rule) => ({ ...rule, expression: 'true' })) })(found);
  };
  const narrowed = { namespaceSelector: { matchLabels: { guarded: 'yes' } } };
  const constraintsOf = (found: KubeObject): object =>
    isRecord(found['spec']) && isRecord(found['spec']['matchConstraints']) ? found['spec']['matchConstraints'] : {};

  const weakenings: (Weakening & { reason: string; says: string })[] = [
    {
      reason: 'the policy is deleted',
      which: 'policy',
      what: 'confirmations',
      change: () => undefined,
      says: 'there is no ValidatingAdmissionPolicy holdfast-confirmations',
    },
    {
      reason: 'its binding is deleted',
      which: 'binding',
      what: 'confirmations',
      change: () => undefined,
      says: 'there is no ValidatingAdmissionPolicyBinding holdfast-confirmations',
    },
    {
      reason: 'its binding only notes',
      which: 'binding',
      what: 'confirmations',
      change: withSpec({ validationActions: ['Audit'] }),
      says: 'does not say Deny',
    },
    {
      reason: 'its binding leaves out this namespace',
      which: 'binding',
      what: 'confirmations',
      change: withSpec({ matchResources: narrowed }),
      says: 'makes exceptions',
    },
    {
      reason: 'its rules hold always',
      which: 'policy',
      what: 'confirmations',
      change: opened,
      says: 'is not as this version ships it',
    },
    {
      reason: 'it leaves out this namespace',
      which: 'policy',
      what: 'confirmations',
      change: (found) => withSpec({ matchConstraints: { ...constraintsOf(found), ...narrowed } })(found),
      says: 'is not as this version ships it',
    },
    {
      reason: 'it leaves out somebody',
      which: 'policy',
      what: 'confirmations',
      change: withSpec({ matchConditions: [{ name: 'not-eve', expression: `request.userInfo.username != 'eve'` }] }),
      says: 'is not as this version ships it',
    },
  ];

  test.each(weakenings)(
    'what was forged while it was weak counts neither then nor later: $reason',
    async (weakening) => {
      await untilInForce(people);
      const stage = await createStage(people, nextName());
      await stage.confirm('carl');
      expect(await stage.judge()).toMatchObject({ mayGo: true });
      const restore = await weaken(people, weakening);
      try {
        expect(await stage.judge()).toMatchObject({
          mayGo: false,
          blocked: { reason: 'AdmissionMissing', message: expect.stringContaining(weakening.says) },
        });
        const forged = { ...stage.confirmationOf('carl'), metadata: { name: `${stage.planned.name}-forged` } };
        await waitUntil(
          () =>
            createConfirmation(stage, 'eve', forged).then(
              () => true,
              () => false,
            ),
          { timeoutMs: 20_000, describe: () => 'what is weak still refuses' },
        );
        expect(await stage.judge()).toMatchObject({ mayGo: false, blocked: { reason: 'AdmissionMissing' } });
      } finally {
        await restore();
      }
      const { refused, ...judgement } = await stage.judge();
      expect(judgement).toMatchObject({ mayGo: false, blocked: { reason: 'RequestBeforeAdmission' } });
      expect(refused.map(({ reason }) => reason)).toEqual(['BeforeAdmission', 'BeforeAdmission']);
    },
    90_000,
  );

  const elsewhere: (Weakening & { reason: string; says: string; mend?: boolean })[] = [
    {
      reason: 'requests are not looked at: requestedBy could be anybody’s name',
      which: 'binding',
      what: 'requests',
      change: () => undefined,
      says: 'there is no ValidatingAdmissionPolicyBinding holdfast-requests',
    },
    {
      reason: 'status is not looked at: another plan could be shown',
      which: 'policy',
      what: 'restore-status',
      change: () => undefined,
      says: 'there is no ValidatingAdmissionPolicy holdfast-restore-status',
    },
    {
      reason: 'a policy that fails open',
      which: 'policy',
      what: 'requests',
      change: withSpec({ failurePolicy: 'Ignore' }),
      says: 'failurePolicy',
    },
    {
      reason: 'who wrote it was wiped out',
      which: 'policy',
      what: 'requests',
      change: (found) => ({ ...found, metadata: { ...found.metadata, managedFields: [{}] } }),
      says: 'Delete it, and install the chart again',
      mend: true,
    },
  ];

  test.each(elsewhere)(
    'nothing goes ahead while $reason',
    async (weakening) => {
      const stage = await createStage(people, nextName());
      await stage.confirm('carl');
      const restore = await weaken(people, weakening);
      try {
        expect(await stage.judge()).toMatchObject({
          mayGo: false,
          blocked: { reason: 'AdmissionMissing', message: expect.stringContaining(weakening.says) },
        });
      } finally {
        await restore();
        // Who writes what is there already leaves no trace of it.
        if (weakening.mend === true) await (await weaken(people, { ...weakening, change: () => undefined }))();
      }
    },
    60_000,
  );

  test('nothing goes ahead while the operator may not read them', async () => {
    const stage = await createStage(people, nextName());
    await stage.confirm('carl');
    const text = await plane.kubectl(['get', 'clusterrolebinding', 'holdfast-admission', '--output', 'json']);
    await plane.kubectl(['delete', 'clusterrolebinding', 'holdfast-admission']);
    try {
      await waitUntil(
        async () => (await stage.judge()).blocked?.message.includes('may not read the admission policies') === true,
        { timeoutMs: 20_000, describe: () => 'it may read them still' },
      );
      expect(await stage.judge()).toMatchObject({ mayGo: false, blocked: { reason: 'AdmissionMissing' } });
    } finally {
      const { roleRef, subjects, apiVersion, kind } = JSON.parse(text) as KubeObject;
      const metadata = { name: 'holdfast-admission' };
      await plane.kubectl(['create', '--filename', '-'], {
        input: JSON.stringify({ apiVersion, kind, metadata, roleRef, subjects }),
      });
    }
  }, 60_000);

  test('what is made once they are in force again counts', async () => {
    await untilInForce(people);
    const stage = await createStage(people, nextName());
    await stage.confirm('carl');
    expect(await stage.judge({ mode: 'TwoPersons' })).toMatchObject({ mayGo: true });
  }, 60_000);

  // An installed CRD may be of another version: what it would refuse, admission refuses by itself.
  describe('without the rules of the CRDs', () => {
    const drop = async (plural: string): Promise<void> => {
      const patch = [
        {
          op: 'remove',
          path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/x-kubernetes-validations',
        },
      ];
      await plane.kubectl(['patch', 'crd', `${plural}.holdfast.dev`, '--type=json', '--patch', JSON.stringify(patch)]);
    };

    beforeAll(async () => {
      await drop('restorerequests');
      await drop('restoreconfirmations');
    });

    const changes: { reason: string; says: string; play: (stage: Stage) => Promise<KubeObject> }[] = [
      {
        reason: 'a confirmation is changed',
        says: 'cannot be changed, for it is the word of who made it',
        play: async (stage) => {
          const { metadata: named, ...rest } = stage.confirmationOf('carl');
          const body = { ...rest, metadata: { generateName: `${named.name}-` } };
          const { metadata } = await createConfirmation(stage, 'carl', body);
          return call(await people.as('eve'), {
            method: 'PATCH',
            type: confirmations,
            where: 'shop',
            name: metadata.name,
            contentType: merge,
            body: { spec: { reason: 'another' } },
          });
        },
      },
      ...[
        { field: 'requestedBy', value: 'dora' },
        { field: 'destination', value: { inPlace: { overwriteHealthy: true } } },
        { field: 'lossTime', value: '2026-11-24T00:00:00Z' },
        { field: 'acceptUnrecorded', value: true },
        { field: 'policyRefs', value: [{ name: 'another' }] },
        { field: 'ttlAfterFinished', value: '1d' },
      ].map(({ field, value }) => ({
        reason: `${field} of a request is changed`,
        says: 'changes but cancel and externalStopped',
        play: (stage: Stage) => patchRequest(stage, 'rita', { spec: { [field]: value } }),
      })),
    ];

    test.each(changes)('admission refuses it as well: $reason', async ({ play, says }) => {
      const stage = await createStage(people, nextName());
      let refusal: unknown;
      await waitUntil(
        async () => {
          refusal = await play(stage).catch((error: unknown) => error);
          // Until the API server knows of the CRD, that refuses; with 422.
          return codeOf(refusal) !== 422;
        },
        { timeoutMs: 20_000, describe: () => 'the rules of the CRD are still there' },
      );
      expect(String(refusal)).toContain(says);
      expect(codeOf(refusal)).toBe(403);
    });
  });
});

test('cancel and externalStopped are words that people say, and finalizers are the operator’s', async () => {
  const stage = await createStage(people, nextName());
  await patchRequest(stage, 'rita', { spec: { externalStopped: true } });
  await patchRequest(stage, operator, { metadata: { finalizers: ['holdfast.dev/test'], labels: { seen: 'yes' } } });
  await patchRequest(stage, 'rita', { spec: { cancel: true } });
  await patchRequest(stage, operator, { metadata: { finalizers: [] } });
  const { name } = stage.planned;
  const shown = await call(people.admin, { method: 'GET', type: requests, where: 'shop', name });
  expect(shown['spec']).toMatchObject({ cancel: true, externalStopped: true });
});

test.each(['secrets', 'workloads', 'restore-workloads', ...restoreAdmissionNames])(
  'the API server finds no mistake in the expressions about %s',
  async (what) => {
    const name = `holdfast-${what}.holdfast.dev`;
    let status: { observedGeneration?: number; typeChecking?: { expressionWarnings?: unknown[] } } = {};
    await waitUntil(
      async () => {
        const found = JSON.parse(
          await plane.kubectl(['get', 'validatingadmissionpolicy', name, '--output', 'json']),
        ) as { metadata: { generation: number }; status?: typeof status };
        status = found.status ?? {};
        return status.observedGeneration === found.metadata.generation;
      },
      { timeoutMs: 90_000, describe: () => `${name} was not checked` },
    );
    expect(status.typeChecking?.expressionWarnings ?? []).toEqual([]);
  },
  120_000,
);
