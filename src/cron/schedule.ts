/** What one field of a cron line allows. */
export interface CronField {
  /** The allowed numbers, ascending. An empty list (robfig takes `,` for a field) never matches. */
  readonly values: readonly number[];
  /** The field has a `*` or `?` without a step above 1: it decides how the two day fields are joined. */
  readonly star: boolean;
}

/** Five fields, read on the wall clock of a time zone. */
export interface FieldsSchedule {
  readonly kind: 'fields';
  /** The line as it was given. */
  readonly line: string;
  readonly minute: CronField;
  readonly hour: CronField;
  readonly dayOfMonth: CronField;
  readonly month: CronField;
  /** 0 is Sunday, 6 Saturday. */
  readonly dayOfWeek: CronField;
}

/** `@every <duration>`: a fixed distance, counted from an anchor, whatever the time zone. */
export interface EverySchedule {
  readonly kind: 'every';
  /** The line as it was given. */
  readonly line: string;
  /** Whole seconds, at least 1. */
  readonly seconds: number;
}

/** A cron line as Kubernetes' CronJob reads it. */
export type CronSchedule = FieldsSchedule | EverySchedule;
