import type { DeepReadonly } from '../base/types.ts';
import type { RestorePlan } from '../api/v1alpha1/restorerequest.ts';
import { confirmLive, type LiveOptions } from './confirmation/confirm-live.ts';
import type { RestoreReconcilerOptions } from './turn.ts';
import type { Verdict } from './stage.ts';
import type { RequestView } from './views.ts';

/** Asks the API server itself whether a request is confirmed: see confirmation/. */
export const createConfirm =
  (options: Omit<LiveOptions, 'signal'>): RestoreReconcilerOptions['confirm'] =>
  async ({ metadata }: DeepReadonly<RequestView>, plan: RestorePlan, signal: AbortSignal): Promise<Verdict> => {
    const { namespace, name, uid } = metadata;
    const subject = { namespace, name, uid, plan, mode: plan.confirmation };
    const { mayGo, accepted, refused, blocked, wakeAt } = await confirmLive({ ...options, signal }, subject);
    return {
      ...(mayGo && accepted !== undefined && { accepted }),
      refused,
      ...(blocked !== undefined && { blocked }),
      wakeAt,
    };
  };
