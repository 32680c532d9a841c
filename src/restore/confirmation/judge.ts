import { type Accounts, isNoPerson } from '../../admission/accounts.ts';
import type { ConfirmationMode } from '../../api/v1alpha1/restore-policy.ts';
import type { RestoreConfirmation } from '../../api/v1alpha1/restoreconfirmation.ts';
import type { RestorePlan, RestoreRequest } from '../../api/v1alpha1/restorerequest.ts';
import type { AdmissionState } from './admission-state.ts';

/** How long a confirmation counts, from when it was made. */
export const lapseMs = 24 * 3_600_000;
/** How soon a right that is missing is asked for again: nothing tells when it is given. */
const askAgainMs = 60_000;
/** As many as status shows. */
export const mostRefused = 8;

/** What is judged: read at one moment, live. */
export interface Question {
  readonly request: RestoreRequest;
  /** The plan that would be carried out. */
  readonly plan: Pick<RestorePlan, 'hash' | 'plannedTime'>;
  /** The strictest of what the plan says and of what the policies say now. */
  readonly mode: ConfirmationMode;
  /** Of the request's namespace; those that name another request are passed over. */
  readonly confirmations: readonly RestoreConfirmation[];
  readonly admission: AdmissionState;
  readonly accounts: Accounts | undefined;
  readonly now: Date;
}

export type RefusalReason =
  | 'Unreadable'
  | 'BeingDeleted'
  | 'OtherRequest'
  | 'Changed'
  | 'OtherPlan'
  | 'BeforePlan'
  | 'AdmissionMissing'
  | 'BeforeAdmission'
  | 'Lapsed'
  | 'NoPerson'
  | 'SamePerson'
  | 'RightMissing';

/** A confirmation that does not count, as status shows it. */
export interface Refusal {
  readonly name: string;
  readonly reason: RefusalReason;
  readonly message: string;
}

/** Why the request cannot go on, whoever confirms it. */
export interface Blocked {
  readonly reason:
    | 'RequestGone'
    | 'RequestUnreadable'
    | 'RequestCancelled'
    | 'PlanChanged'
    | 'AdmissionMissing'
    | 'RequestBeforeAdmission';
  readonly message: string;
}

/** The confirmation that is acted upon, as status shows it. */
export interface Accepted {
  readonly name: string;
  readonly uid: string;
  readonly confirmedBy: string;
  /** When it was made. */
  readonly time: string;
}

export interface Judgement {
  /** Whether the restore may go ahead, now. */
  readonly mayGo: boolean;
  /** By which confirmation; undefined where none is needed. */
  readonly accepted?: Accepted;
  readonly refused: readonly Refusal[];
  readonly blocked?: Blocked;
  /** When to ask again though nothing is heard of. */
  readonly wakeAt?: Date;
}

/** What can be told without asking for rights. */
export interface Sifted {
  readonly blocked?: Blocked;
  /** All of them, the newest first. */
  readonly refused: readonly Refusal[];
  /** Those that count if their authors may still confirm, the earliest first. */
  readonly candidates: readonly RestoreConfirmation[];
}

const madeMs = ({ metadata }: Pick<RestoreConfirmation, 'metadata'>): number => Date.parse(metadata.creationTimestamp);

const byAge = (one: RestoreConfirmation, other: RestoreConfirmation): number =>
  madeMs(one) - madeMs(other) || (one.metadata.name < other.metadata.name ? -1 : 1);

// As long as a name may be, a message has room for two of them and for what to do.
const short = (text: string): string => (text.length <= 64 ? text : `${text.slice(0, 63).toWellFormed()}…`);

/** Two spellings of one name are one person: no identity provider tells people apart by case, or by the form of a letter. */
const samePerson = (one: string, other: string): boolean => {
  const plain = (name: string): string => name.normalize('NFKC').trim().toLowerCase();
  return plain(one) === plain(other);
};

type Judge = (question: Question, confirmation: RestoreConfirmation) => string | undefined;

const again = 'Read the plan, and confirm it anew.';

/** Every rule, in the order in which they are told: the first that is broken says why a confirmation does not count. */
const rules: readonly (readonly [reason: RefusalReason, judge: Judge])[] = [
  [
    'BeingDeleted',
    (_, { metadata }) => (metadata.deletionTimestamp === undefined ? undefined : 'It is being deleted. Make another.'),
  ],
  [
    'OtherRequest',
    ({ request }, { spec }) =>
      spec.request.uid === request.metadata.uid
        ? undefined
        : `It is for the request of this name with the UID ${short(spec.request.uid)}, and this one has ${request.metadata.uid}. ${again}`,
  ],
  [
    'Changed',
    (_, { metadata }) => (metadata.generation === 1 ? undefined : 'It was changed after it was made. Make another.'),
  ],
  [
    'OtherPlan',
    ({ plan }, { spec }) =>
      spec.planHash === plan.hash
        ? undefined
        : `It confirms another plan (${spec.planHash.slice(0, 12)}…) than the present one (${plan.hash.slice(0, 12)}…). ${again}`,
  ],
  [
    'BeforePlan',
    ({ plan }, confirmation) =>
      // Creation times are whole seconds, rounded down.
      madeMs(confirmation) < Math.floor(Date.parse(plan.plannedTime) / 1000) * 1000
        ? `It was made at ${confirmation.metadata.creationTimestamp}, before the plan of ${plan.plannedTime}. ${again}`
        : undefined,
  ],
  [
    'AdmissionMissing',
    ({ admission }) => ('problem' in admission ? 'Nothing binds it to its author; see status.message.' : undefined),
  ],
  [
    'BeforeAdmission',
    ({ admission }, confirmation) =>
      'inForceSince' in admission && madeMs(confirmation) < admission.inForceSince.getTime()
        ? `It was made at ${confirmation.metadata.creationTimestamp}, and the admission policies are in force as they are since ${admission.inForceSince.toISOString()}: nothing bound it to its author. ${again}`
        : undefined,
  ],
  [
    'Lapsed',
    ({ now }, confirmation) =>
      madeMs(confirmation) + lapseMs <= now.getTime()
        ? `It was made at ${confirmation.metadata.creationTimestamp}, and counts for 24 hours. ${again}`
        : undefined,
  ],
  [
    'NoPerson',
    ({ accounts }, { spec: { confirmedBy } }) => {
      if (confirmedBy === accounts?.operator)
        return 'The operator’s own account confirms nothing. Have a person confirm.';
      if (!isNoPerson(confirmedBy) || accounts?.confirmers.includes(confirmedBy) === true) return undefined;
      return `${short(confirmedBy)} is no person, and the chart’s value admission.confirmServiceAccounts does not list it. Have a person confirm.`;
    },
  ],
  [
    'SamePerson',
    ({ mode, request }, { spec: { confirmedBy } }) =>
      mode === 'TwoPersons' && samePerson(confirmedBy, request.spec.requestedBy)
        ? `${short(confirmedBy)} made the request as well, and two persons are asked for. Have another confirm.`
        : undefined,
  ],
];

const refusalOf = (question: Question, confirmation: RestoreConfirmation): Refusal | undefined => {
  const { name } = confirmation.metadata;
  for (const [reason, judge] of rules) {
    const message = judge(question, confirmation);
    if (message !== undefined) return { name, reason, message };
  }
  return undefined;
};

const blockedBy = ({ request, mode, admission }: Question): Blocked | undefined => {
  const { metadata, spec } = request;
  if (metadata.deletionTimestamp !== undefined) {
    return { reason: 'RequestGone', message: 'The request is being deleted.' };
  }
  if (spec.cancel) return { reason: 'RequestCancelled', message: 'The request was cancelled.' };
  if (mode === 'None') return undefined;
  if ('problem' in admission) return { reason: 'AdmissionMissing', message: admission.problem };
  if (Date.parse(metadata.creationTimestamp) >= admission.inForceSince.getTime()) return undefined;
  return {
    reason: 'RequestBeforeAdmission',
    message: `The request was made at ${metadata.creationTimestamp}, and the admission policies are in force as they are since ${admission.inForceSince.toISOString()}: nothing says that who it names is who made it. Make it anew.`,
  };
};

/** Which confirmations could count, and why the others do not. Pure. */
export const sift = (question: Question): Sifted => {
  const { request, mode, confirmations } = question;
  const blocked = blockedBy(question);
  const own = confirmations.filter(({ spec }) => spec.request.name === request.metadata.name).toSorted(byAge);
  const judged = own.map((confirmation) => ({ confirmation, refusal: refusalOf(question, confirmation) }));
  return {
    ...(blocked !== undefined && { blocked }),
    refused: judged.flatMap(({ refusal }) => refusal ?? []).toReversed(),
    candidates:
      blocked === undefined && mode !== 'None'
        ? judged.filter(({ refusal }) => refusal === undefined).map(({ confirmation }) => confirmation)
        : [],
  };
};

const rightMissing = ({ metadata, spec }: RestoreConfirmation): Refusal => ({
  name: metadata.name,
  reason: 'RightMissing',
  message: `${short(spec.confirmedBy)} may not confirm this request (any more), by the name and the groups in it. Have somebody confirm who may; where the right is bound to a group, name it in spec.groups.`,
});

const after = (time: number): Date => new Date(time);

/**
 * Whether the restore may go ahead, by which confirmation, and why the others do not count. Of several that do, the earliest is taken.
 * @param rights by the UID of a candidate, whether its author may confirm; a candidate that is not in it is not taken. Pure.
 */
export const judge = (question: Question, rights: ReadonlyMap<string, boolean>): Judgement => {
  const { mode, now } = question;
  const { blocked, candidates, ...sifted } = sift(question);
  if (blocked !== undefined) return { mayGo: false, blocked, refused: sifted.refused.slice(0, mostRefused) };
  if (mode === 'None') return { mayGo: true, refused: [] };
  const without = candidates.filter(({ metadata }) => rights.get(metadata.uid) === false);
  const refused = [...without.map(rightMissing), ...sifted.refused].slice(0, mostRefused);
  const taken = candidates.find(({ metadata }) => rights.get(metadata.uid) === true);
  if (taken === undefined) {
    return { mayGo: false, refused, ...(without.length > 0 && { wakeAt: after(now.getTime() + askAgainMs) }) };
  }
  const { name, uid, creationTimestamp: time } = taken.metadata;
  const accepted = { name, uid, confirmedBy: taken.spec.confirmedBy, time };
  return { mayGo: true, accepted, refused, wakeAt: after(madeMs(taken) + lapseMs) };
};
