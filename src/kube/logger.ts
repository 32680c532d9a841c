import { types } from 'node:util';
import { pino, type DestinationStream, type Logger } from 'pino';
import { redact, redactText } from './redact.ts';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /** `trace`, `debug`, `info` (default), `warn`, `error`, `fatal` or `silent`. */
  readonly level?: string;
  /** Where lines go; standard output by default. */
  readonly destination?: DestinationStream;
}

/** JSON lines with RFC 3339 times and level names. Whatever looks like a secret is replaced before it is written. */
export function createLogger({ level = 'info', destination }: LoggerOptions = {}): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // Errors are already plain in formatters.log; pino's own serializer would name each of them 'Object'.
    serializers: { err: (error: unknown) => error },
    // The last net, for what is inside the message itself.
    hooks: { streamWrite: redactText },
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: Record<string, unknown>) => redactFields(fields),
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

// Errors are serialised first: redaction walks plain objects only, and an error's own fields may hold secrets too.
function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  const plain = Object.entries(fields).map(([name, value]) => [
    name,
    redact(types.isNativeError(value) ? { ...pino.stdSerializers.errWithCause(value) } : value, name),
  ]);
  return Object.fromEntries(plain);
}

/** The part of a logger line that names a resource. */
export interface ResourceBindings {
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** A logger whose every line names the resource it is about. */
export function resourceLogger(logger: Logger, { kind, namespace, name }: ResourceBindings): Logger {
  return logger.child(namespace === undefined ? { kind, name } : { kind, namespace, name });
}
