import { admissionName, bindingSpec, restoreAdmissions } from '../../../../src/admission/objects.ts';
import type { ApiRequest, KubeClient } from '../../../../src/kube/client.ts';
import { ApiError, TransportError } from '../../../../src/kube/errors.ts';
import { isRecord } from '../../../../src/kube/types.ts';
import { confirmLive } from '../../../../src/restore/confirmation/confirm-live.ts';

// What a real API server cannot be brought to do at the very moment; the rest is in test/integration/restore.

const hash = 'a'.repeat(64);
const now = new Date('2026-11-24T12:00:00Z');
const admission = {
  name: 'holdfast',
  accounts: { operator: 'system:serviceaccount:holdfast-system:holdfast', requesters: [], confirmers: [] },
};

const metadata = (name: string, creationTimestamp: string) => ({
  name,
  namespace: 'shop',
  uid: `uid-of-${name}`,
  generation: 1,
  resourceVersion: '1',
  creationTimestamp,
});

const request = {
  apiVersion: 'holdfast.dev/v1alpha1',
  kind: 'RestoreRequest',
  metadata: metadata('lost', '2026-11-24T10:00:00Z'),
  spec: { policyRefs: [{ name: 'agama' }], destination: { inPlace: {} }, reason: 'Deleted', requestedBy: 'rita' },
  status: { plan: { hash } },
};

const confirmation = (name: string, spec: object = {}) => ({
  metadata: metadata(name, '2026-11-24T11:00:00Z'),
  spec: {
    request: { name: 'lost', uid: 'uid-of-lost' },
    planHash: hash,
    confirmedBy: name,
    reason: 'the table is gone',
    ...spec,
  },
});

const specs = Object.fromEntries(
  Object.entries(restoreAdmissions(admission.accounts)).map(([what, spec]) => [
    admissionName(admission.name, what),
    spec,
  ]),
);

const registered = (path: string): object => {
  const [plural = '', name = ''] = path.split('/').slice(-2);
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: plural,
    metadata: {
      name,
      creationTimestamp: '2026-11-24T08:00:00Z',
      managedFields: [{ time: '2026-11-24T08:00:00Z', fieldsV1: { 'f:spec': {} } }],
    },
    spec: plural.endsWith('bindings') ? bindingSpec(name) : specs[name],
  };
};

/** An API server that holds these confirmations, and lets only these people confirm. */
const serverOf = (items: readonly object[], may: readonly string[], fails: (path: string) => Error | undefined) => {
  const asked: string[] = [];
  const reviewed: unknown[] = [];
  const answer = async ({ path, body }: ApiRequest): Promise<unknown> => {
    asked.push(path);
    const failure = fails(path);
    if (failure !== undefined) throw failure;
    if (path.endsWith('/restorerequests/lost')) return request;
    if (path.endsWith('/restoreconfirmations')) return { metadata: { resourceVersion: '7' }, items };
    if (path.endsWith('/localsubjectaccessreviews')) {
      const { user } = isRecord(body) && isRecord(body['spec']) ? body['spec'] : {};
      reviewed.push(user);
      return { status: { allowed: may.includes(String(user)) } };
    }
    return registered(path);
  };
  const client: KubeClient = {
    request: answer,
    stream: () => Promise.reject(new Error('nothing is watched')),
    close: () => undefined,
  };
  return { client, asked, reviewed };
};

const ask = (client: KubeClient) =>
  confirmLive(
    { client, clock: { now: () => now }, admission },
    {
      namespace: 'shop',
      name: 'lost',
      uid: 'uid-of-lost',
      plan: { hash, plannedTime: '2026-11-24T10:20:00Z' },
      mode: 'OnePerson',
    },
  );

const never = (): undefined => undefined;

test('admission is looked at after the confirmations: what was made before is seen to be of before', async () => {
  const { client, asked } = serverOf([confirmation('carl')], ['carl'], never);
  expect(await ask(client)).toMatchObject({ mayGo: true, accepted: { confirmedBy: 'carl' } });
  const listed = asked.findIndex((path) => path.endsWith('/restoreconfirmations'));
  const looked = asked.findIndex((path) => path.includes('admissionregistration'));
  const reviewed = asked.findIndex((path) => path.endsWith('/localsubjectaccessreviews'));
  expect([listed, looked, reviewed]).toEqual([listed, looked, reviewed].toSorted((one, other) => one - other));
  expect(listed).toBeGreaterThan(-1);
});

test('of those who confirmed as many are asked about as it takes', async () => {
  const { client, reviewed } = serverOf(
    ['a', 'b', 'c'].map((name) => confirmation(name)),
    ['b', 'c'],
    never,
  );
  expect(await ask(client)).toMatchObject({
    mayGo: true,
    accepted: { confirmedBy: 'b' },
    refused: [{ name: 'a', reason: 'RightMissing' }],
  });
  expect(reviewed).toEqual(['a', 'b']);
});

test('a flood of confirmations costs no flood of questions', async () => {
  const many = Array.from({ length: 100 }, (_, index) => confirmation(`x${index}`));
  const { client, reviewed } = serverOf(many, [], never);
  const { mayGo, refused } = await ask(client);
  expect({ mayGo, refused: refused.length, reviewed: reviewed.length }).toEqual({
    mayGo: false,
    refused: 8,
    reviewed: 32,
  });
});

test('one that cannot be read does not count and is told, unless it is for another request', async () => {
  const unreadable = ['mine', 'other'].map((name) => ({
    ...confirmation(name),
    spec: { request: { name: name === 'mine' ? 'lost' : 'other' } },
  }));
  const { client } = serverOf(unreadable, [], never);
  expect(await ask(client)).toMatchObject({ mayGo: false, refused: [{ name: 'mine', reason: 'Unreadable' }] });
});

const forbidden = new ApiError({ code: 403, reason: 'Forbidden', serverMessage: 'no', request: 'GET' });

test('an operator that may not read the admission policies takes them for absent', async () => {
  const { client } = serverOf([confirmation('carl')], ['carl'], (path) =>
    path.includes('admissionregistration') ? forbidden : undefined,
  );
  expect(await ask(client)).toMatchObject({ mayGo: false, blocked: { reason: 'AdmissionMissing' } });
});

test.each([
  '/restorerequests/lost',
  '/restoreconfirmations',
  'validatingadmissionpolicies/',
  'localsubjectaccessreviews',
])('when nobody answers at %s, that is no answer', async (part) => {
  const lost = new TransportError('GET', 'ECONNRESET', 'gone');
  const { client } = serverOf([confirmation('carl')], ['carl'], (path) => (path.includes(part) ? lost : undefined));
  await expect(ask(client)).rejects.toBe(lost);
});
