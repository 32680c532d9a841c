import { createHash } from 'node:crypto';
import type { Admission } from '../../../src/admission/objects.ts';
import { apiVersion } from '../../../src/api/v1alpha1/backuppolicy.ts';
import type { ConfirmationMode } from '../../../src/api/v1alpha1/restore-policy.ts';
import type { KubeClient, Method } from '../../../src/kube/client.ts';
import { systemClock } from '../../../src/kube/clock.ts';
import { resourcePath } from '../../../src/kube/path.ts';
import { isKubeObject, type KubeObject } from '../../../src/kube/types.ts';
import { confirmLive } from '../../../src/restore/confirmation/confirm-live.ts';
import type { Judgement } from '../../../src/restore/confirmation/judge.ts';
import { listedConfirmer, listedRequester, operator, type People } from './people.ts';

/** A request with a plan, and what people try upon it. */

export const requests = { group: 'holdfast.dev', version: 'v1alpha1', plural: 'restorerequests' } as const;
export const confirmations = { ...requests, plural: 'restoreconfirmations' } as const;

/** As the operator of the release is told. */
export const admission: Admission = {
  name: 'holdfast',
  accounts: { operator, requesters: [listedRequester], confirmers: [listedConfirmer] },
};

export interface Call {
  method: Method;
  type: { group: string; version: string; plural: string };
  where?: string | undefined;
  name?: string;
  subresource?: string;
  body?: object;
  contentType?: string;
  query?: Record<string, string | boolean>;
}

/** One call as somebody. @throws ApiError when it is refused */
export const call = async (
  client: KubeClient,
  { type, where, name, subresource, ...rest }: Call,
): Promise<KubeObject> => {
  const path = resourcePath({ type, namespace: where, ...(name !== undefined && { name }), subresource });
  const answer = await client.request({ ...rest, path });
  if (!isKubeObject(answer) && rest.method !== 'DELETE') throw new Error(`no object: ${JSON.stringify(answer)}`);
  return answer as KubeObject;
};

type Fields = Record<string, unknown>;

export const requestOf = (name: string, requestedBy: string, spec: Fields = {}) => ({
  apiVersion,
  kind: 'RestoreRequest',
  metadata: { name },
  spec: { policyRefs: [{ name: 'agama' }], destination: { inPlace: {} }, reason: 'Deleted', requestedBy, ...spec },
});

export const merge = 'application/merge-patch+json';

export interface Planned {
  readonly name: string;
  readonly where: string;
  readonly uid: string;
  readonly plan: { readonly hash: string; readonly plannedTime: string };
}

export interface Stage {
  readonly people: People;
  readonly planned: Planned;
  /** The operator plans it (again). */
  plan(changes?: { content?: string; plannedTime?: string }): Promise<Planned>;
  /** What a confirmation of it says; `spec` is laid over. */
  confirmationOf(confirmedBy: string, spec?: Fields): ReturnType<typeof confirmationOf>;
  /** Somebody confirms it; the words of `spec` are laid over. @throws ApiError when that is refused */
  confirm(who: string, spec?: Fields): Promise<KubeObject>;
  /** What the operator makes of it now. */
  judge(options?: { mode?: ConfirmationMode; now?: Date; admission?: Admission | undefined }): Promise<Judgement>;
}

const confirmationOf = ({ name, uid, plan }: Planned, confirmedBy: string, spec: Fields) => ({
  apiVersion,
  kind: 'RestoreConfirmation',
  metadata: { name: `${name}-${confirmedBy.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}` },
  spec: { request: { name, uid }, planHash: plan.hash, confirmedBy, reason: 'the table is gone', ...spec },
});

export const hashOf = (content: string): string => createHash('sha256').update(content).digest('hex');

const secondsOf = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, 'Z');

/** Writes a plan into the status, as the operator. */
export const writePlan = async (
  people: People,
  request: KubeObject,
  { content = request.metadata.name, plannedTime = secondsOf(new Date()) } = {},
): Promise<Planned> => {
  const { name, namespace: where = '', uid = '' } = request.metadata;
  const plan = { policies: [], confirmation: 'OnePerson', plannedTime, hash: hashOf(content) };
  await call(await people.as(operator), {
    method: 'PATCH',
    type: requests,
    where,
    name,
    subresource: 'status',
    contentType: merge,
    body: { status: { phase: 'AwaitingConfirmation', plan } },
  });
  return { name, where, uid, plan };
};

/** Somebody asks for a restore, and the operator plans it. */
export const createStage = async (
  people: People,
  name: string,
  { asker = 'rita', where = 'shop' }: { asker?: string; where?: string } = {},
): Promise<Stage> => {
  const request = await call(await people.as(asker), {
    method: 'POST',
    type: requests,
    where,
    body: requestOf(name, asker),
  });
  let planned = await writePlan(people, request);
  return {
    people,
    get planned() {
      return planned;
    },
    plan: async (changes) => {
      planned = await writePlan(people, request, changes);
      return planned;
    },
    confirmationOf: (confirmedBy, spec = {}) => confirmationOf(planned, confirmedBy, spec),
    confirm: async (who, spec = {}) =>
      call(await people.as(who), {
        method: 'POST',
        type: confirmations,
        where,
        body: confirmationOf(planned, who, spec),
      }),
    judge: async (options = {}) => {
      const { mode = 'OnePerson', now } = options;
      const clock = now === undefined ? systemClock : { now: () => now };
      const told = 'admission' in options ? options.admission : admission;
      const { uid, plan } = planned;
      const subject = { namespace: where, name, uid, plan, mode };
      return confirmLive({ client: await people.as(operator), clock, admission: told }, subject);
    },
  };
};
