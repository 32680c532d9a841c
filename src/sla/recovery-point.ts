import type { Zone } from '../cron/zone.ts';
import { endOfSpan } from './times.ts';

/** What a recovery point objective is judged from. */
export interface RecoveryPointInput {
  /** The newest state of the data that is known to be whole. */
  readonly latest: string | undefined;
  /** The objective. */
  readonly promised: string;
  /** When the policy was made: a first backup is owed from then on. */
  readonly created: string;
  readonly zone: Zone;
  readonly now: Date;
}

/** Whether it is met, and when that ends by itself. */
export interface RecoveryPointJudgement {
  readonly status: 'True' | 'False' | 'Unknown';
  /** Met, or owed, before this time. */
  readonly until: Date;
}

/** Whether the newest whole backup is new enough. Met until the span from its data is over; of a policy without any nothing is known as long. */
export const judgeRecoveryPoint = ({
  latest,
  promised,
  created,
  zone,
  now,
}: RecoveryPointInput): RecoveryPointJudgement => {
  const until = endOfSpan(latest ?? created, promised, zone);
  const isOver = now.getTime() >= until.getTime();
  return { status: isOver ? 'False' : latest === undefined ? 'Unknown' : 'True', until };
};
