import type { RestoreRequestStatus } from '../api/v1alpha1/restorerequest.ts';
import type { WorkloadSettings } from '../workloads/settings.ts';
import type { ObservedRequest, Part } from './observed.ts';
import { nextSteps } from './steps.ts';

/** What was found of the confirmations of a request, read anew. */
export interface Verdict {
  readonly accepted?: {
    readonly name: string;
    readonly uid: string;
    readonly confirmedBy: string;
    readonly time: string;
  };
  readonly refused: readonly { readonly name: string; readonly reason: string; readonly message: string }[];
  /** Why it cannot go on, whoever confirms it. */
  readonly blocked?: { readonly reason: string; readonly message: string };
  /** When it may be another by itself. */
  readonly wakeAt?: Date | undefined;
}

/** What a request is judged from. */
export interface JudgeInput {
  readonly observed: ObservedRequest;
  readonly settings: Pick<WorkloadSettings, 'quiesceWorkloads' | 'sandboxImages'>;
  /** Names of the policies whose workloads are still held for this request. */
  readonly held: ReadonlySet<string>;
  /** Names of the policies that another request restores now. */
  readonly busy: ReadonlySet<string>;
  /** Names of the policies whose Job was made, and is gone by the API server's own word. */
  readonly lost: ReadonlySet<string>;
  /** Undefined: nobody looked. */
  readonly verdict: Verdict | undefined;
  readonly now: Date;
}

/** What is to be done next; all of it may be done again. */
export interface Wanted {
  /** Plan Jobs to make. */
  readonly plan: readonly Part[];
  /** Restore Jobs to make, once all is written. */
  readonly start: readonly Part[];
  /** Whether the confirmations are to be read before anything is started. */
  readonly confirm: boolean;
  /** What is to be stopped, since the request was cancelled. */
  readonly cancel: readonly Part[];
}

/** What a stage of a request comes to: the status without what all statuses share. */
export interface Stage {
  readonly status: Omit<RestoreRequestStatus, 'conditions' | 'observedGeneration'>;
  /** Why nothing can be done until a person acts; kstatus calls it stalled. */
  readonly stalled?: { readonly reason: string; readonly message: string };
  readonly wanted: Wanted;
  readonly wakeAt?: Date | undefined;
}

export const nothingWanted: Wanted = { plan: [], start: [], confirm: false, cancel: [] };

/** What every status carries on. */
export const kept = ({
  observed,
  held,
  now,
}: JudgeInput): Omit<RestoreRequestStatus, 'conditions' | 'observedGeneration'> => {
  const { plan, confirmation, refused, policies, steps, startTime } = observed.request.status;
  const next = nextSteps({ parts: observed.parts, before: steps ?? [], held, now });
  return {
    ...(plan !== undefined && { plan }),
    ...(confirmation !== undefined && { confirmation }),
    ...(refused !== undefined && { refused }),
    ...(policies !== undefined && { policies }),
    ...(startTime !== undefined && { startTime }),
    ...(next.length > 0 && { steps: next }),
  };
};
