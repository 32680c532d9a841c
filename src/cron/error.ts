/** A cron line that Kubernetes' CronJob would not take. The message names the field and the value and says what to write instead. */
export class CronError extends Error {
  override readonly name: string = 'CronError';
  /** The line as it was given. */
  readonly line: string;

  constructor(line: string, problem: string) {
    super(`cron line "${line}": ${problem}`);
    this.line = line;
  }
}

/** A time zone that Kubernetes' CronJob would not take. */
export class TimeZoneError extends Error {
  override readonly name: string = 'TimeZoneError';
  /** The name as it was given. */
  readonly timeZone: string;

  constructor(timeZone: string, advice: string) {
    super(`time zone "${timeZone}" is not known: ${advice}`);
    this.timeZone = timeZone;
  }
}
