import type { Admission } from '../../admission/objects.ts';
import { objectMeta } from '../../api/v1alpha1/backuppolicy.ts';
import type { ConfirmationMode } from '../../api/v1alpha1/restore-policy.ts';
import { restoreConfirmationSpec, type RestoreConfirmation } from '../../api/v1alpha1/restoreconfirmation.ts';
import { restoreRequestSpec, type RestorePlan, type RestoreRequest } from '../../api/v1alpha1/restorerequest.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Clock } from '../../kube/clock.ts';
import { listAll } from '../../kube/list.ts';
import { getObject } from '../../kube/objects.ts';
import { isRecord, type KubeObject } from '../../kube/types.ts';
import { resources } from '../../policy/resources.ts';
import { readAdmission } from './admission-state.ts';
import { judge, mostRefused, sift, type Blocked, type Judgement, type Question, type Refusal } from './judge.ts';
import { mayConfirm } from './right.ts';

/** More confirmations of one plan than this were made by somebody who means something else. */
const mostAsked = 32;

export interface LiveOptions {
  readonly client: KubeClient;
  readonly clock: Pick<Clock, 'now'>;
  /** The admission policies of the release; undefined: there are none, and only what needs no confirmation goes ahead. */
  readonly admission: Admission | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The very request that is asked about, and what would be done for it. */
export interface Subject {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly plan: Pick<RestorePlan, 'hash' | 'plannedTime'>;
  /** The strictest of what the plan says and of what the policies say now. */
  readonly mode: ConfirmationMode;
}

const refusedAll = (reason: Blocked['reason'], message: string): Judgement => ({
  mayGo: false,
  blocked: { reason, message },
  refused: [],
});

const shownHash = ({ status }: KubeObject): unknown =>
  isRecord(status) && isRecord(status['plan']) ? status['plan']['hash'] : undefined;

type Read = { readonly confirmation: RestoreConfirmation } | { readonly unreadable: Refusal } | undefined;

const readConfirmation = (raw: KubeObject, requestName: string): Read => {
  const metadata = objectMeta.safeParse(raw.metadata);
  const spec = restoreConfirmationSpec.safeParse(raw['spec']);
  if (metadata.success && spec.success) return { confirmation: { metadata: metadata.data, spec: spec.data } };
  const asked = isRecord(raw['spec']) && isRecord(raw['spec']['request']) ? raw['spec']['request'] : {};
  if (asked['name'] !== requestName) return undefined;
  const message = 'This version of Holdfast cannot read it. Update the CRDs, and make another.';
  return { unreadable: { name: raw.metadata.name, reason: 'Unreadable', message } };
};

const rightsOf = async (
  { client, signal }: LiveOptions,
  namespace: string,
  question: Question,
): Promise<ReadonlyMap<string, boolean>> => {
  const rights = new Map<string, boolean>();
  for (const { metadata, spec } of sift(question).candidates.slice(0, mostAsked)) {
    const may = await mayConfirm({ client, namespace, signal }, spec);
    rights.set(metadata.uid, may);
    if (may) break;
  }
  return rights;
};

/**
 * Whether a restore may go ahead now: request, confirmations, admission and rights are read live, past every cache. Ask right before acting, and
 * act only upon what is answered. A refusal is an answer; what throws is that the API server could not be asked.
 */
export const confirmLive = async (options: LiveOptions, subject: Subject): Promise<Judgement> => {
  const { client, clock, signal } = options;
  const { namespace, name, uid, plan, mode } = subject;
  const raw = await getObject(client, resources.restoreRequest, { namespace, name }, { signal });
  if (raw === undefined) return refusedAll('RequestGone', 'The request is not there any more.');
  if (raw.metadata.uid !== uid) {
    return refusedAll('RequestGone', 'The request was deleted, and another of its name was made.');
  }
  const metadata = objectMeta.safeParse(raw.metadata);
  const spec = restoreRequestSpec.safeParse(raw['spec']);
  if (!metadata.success || !spec.success) {
    return refusedAll('RequestUnreadable', 'This version of Holdfast cannot read the request. Update the CRDs.');
  }
  if (shownHash(raw) !== plan.hash) {
    return refusedAll('PlanChanged', 'status shows another plan than the one that would be carried out.');
  }
  const request: RestoreRequest = { metadata: metadata.data, spec: spec.data };
  const list = {
    client,
    type: resources.restoreConfirmation,
    namespace,
    pageSize: 500,
    ...(signal !== undefined && { signal }),
  };
  const { items } = await listAll({ ...list, keep: (each) => readConfirmation(each, name) });
  const read = items.filter((each) => each !== undefined);
  // After the confirmations: one that was made while the policies were not in force is older than what is found now.
  const admission = await readAdmission({ client, signal }, options.admission);
  const question: Question = {
    request,
    plan,
    mode,
    confirmations: read.flatMap((each) => ('confirmation' in each ? [each.confirmation] : [])),
    admission,
    accounts: options.admission?.accounts,
    now: clock.now(),
  };
  const judgement = judge(question, await rightsOf(options, namespace, question));
  const unreadable = read.flatMap((each) => ('unreadable' in each ? [each.unreadable] : []));
  return { ...judgement, refused: [...judgement.refused, ...unreadable].slice(0, mostRefused) };
};
