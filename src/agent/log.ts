import { pino, type DestinationStream } from 'pino';

type Fields = Record<string, unknown>;

/** The log of a run: JSON lines on stdout. Everything passes the redaction of the secrets that were read. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

/** `redact` is asked for each line, so that secrets read later are covered as well. */
export const createLog = (
  redact: (text: string) => string,
  bindings: Fields,
  // Written at once: a process that is killed has said what it did until then.
  destination: DestinationStream = pino.destination({ fd: 1, sync: true }),
): Log => {
  const options = {
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  };
  const logger = pino(options, destination).child(bindings);
  const at =
    (level: keyof Log) =>
    (message: string, fields: Fields = {}): void =>
      logger[level](redactFields(fields, redact), redact(message));
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};

// Fields are flat by convention; what is not a plain value is written as text, so that nothing escapes the redaction.
const redactFields = (fields: Fields, redact: (text: string) => string): Fields =>
  Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => {
        if (typeof value === 'number' || typeof value === 'boolean') return [name, value];
        if (typeof value === 'string') return [name, redact(value)];
        if (value instanceof Error) return [name, redact(value.stack ?? String(value))];
        return [name, redact(JSON.stringify(value))];
      }),
  );
