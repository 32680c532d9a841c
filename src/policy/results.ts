import type { JobKind } from '../api/v1alpha1/recovery-points.ts';
import { result as resultSchema, type Result } from '../api/v1alpha1/result.ts';
import type { DeepReadonly } from '../base/types.ts';
import { isRecord } from '../kube/types.ts';
import type { ContainerView, PodView } from './views.ts';

/** A container of a run, with the result it left. */
export interface ContainerResult {
  container: DeepReadonly<ContainerView>;
  /** Undefined: none, or none that can be believed. */
  result: Result | undefined;
}

const timeField = /Time$/;
const timeForm = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?Z$/;

// A clock may be an hour off; a time further ahead would stay the newest for ever, since times in status never go back.
const aheadMs = 24 * 60 * 60 * 1000;

// What comes due may be far ahead.
const dueField = /Due$/;
const longestDueMs = 100 * 366 * 24 * 60 * 60 * 1000;

/** A time that the API server takes in a field of format `date-time`: 30 February is none, though JavaScript reads it as 2 March. */
const isTime = (value: unknown, now: Date, ahead = aheadMs): boolean => {
  const seconds = typeof value === 'string' ? timeForm.exec(value)?.[1] : undefined;
  if (seconds === undefined) return false;
  const time = Date.parse(`${seconds}Z`);
  return (
    Number.isFinite(time) &&
    new Date(time).toISOString().startsWith(seconds) &&
    time > 0 &&
    time <= now.getTime() + ahead
  );
};

const hasOnlyTimes = (value: unknown, now: Date): boolean => {
  if (Array.isArray(value)) return value.every((item) => hasOnlyTimes(item, now));
  if (!isRecord(value)) return true;
  return Object.entries(value).every(([name, inner]) => {
    if (dueField.test(name)) return isTime(inner, now, longestDueMs);
    return timeField.test(name) ? isTime(inner, now) : hasOnlyTimes(inner, now);
  });
};

// A lone surrogate would be stored as another character than was sent: the status would differ from itself for ever.
const wellFormed = (_key: string, value: unknown): unknown =>
  typeof value === 'string' ? value.toWellFormed() : value;

const parseResult = (message: string | undefined, now: Date): Result | undefined => {
  if (message === undefined) return undefined;
  try {
    const { data } = resultSchema.safeParse(JSON.parse(message, wellFormed));
    return data !== undefined && hasOnlyTimes(data, now) ? data : undefined;
  } catch {
    return undefined;
  }
};

/**
 * The results that the containers of a pod left in their termination messages. A result counts only for the container and the kind of
 * run that it names, and only with times that can be; all else is no result. Never throws, whatever the message holds.
 */
export const resultsOf = (
  kind: JobKind | undefined,
  { containers }: DeepReadonly<PodView>,
  now: Date,
): ContainerResult[] =>
  containers.map((container) => {
    const result = parseResult(container.ended?.message, now);
    const believed = result?.container === container.name && result.kind === kind;
    return { container, result: believed ? result : undefined };
  });
