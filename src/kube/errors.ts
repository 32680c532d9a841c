import { isRecord } from './types.ts';

export interface ApiErrorFields {
  /** HTTP status, or the code of a Status object in a watch stream. */
  readonly code: number;
  /** Machine-readable: `NotFound`, `AlreadyExists`, `Conflict`, `Expired`, …; '' when the server gave none. */
  readonly reason: string;
  /** The server's own words. */
  readonly serverMessage: string;
  /** What was asked, as `GET /api/v1/…`. */
  readonly request: string;
  /** How long the server asks to wait, in seconds. */
  readonly retryAfterSeconds?: number | undefined;
}

/** The API server answered, and the answer was no. Holds neither request bodies nor headers, so it can be logged. */
export class ApiError extends Error implements ApiErrorFields {
  readonly code: number;
  readonly reason: string;
  readonly serverMessage: string;
  readonly request: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(fields: ApiErrorFields) {
    super(`${fields.request}: ${fields.code} ${fields.reason}: ${fields.serverMessage}`);
    this.name = 'ApiError';
    this.code = fields.code;
    this.reason = fields.reason;
    this.serverMessage = fields.serverMessage;
    this.request = fields.request;
    this.retryAfterSeconds = fields.retryAfterSeconds;
  }
}

/** No complete answer: refused, reset, timed out. A write that ends so may have been carried out or not. */
export class TransportError extends Error {
  /** The system's code (`ECONNREFUSED`, `ECONNRESET`, …), or `TimeLimit` when this side gave up waiting. */
  readonly code: string;

  constructor(request: string, code: string, detail: string, cause?: unknown) {
    super(`${request}: ${code}: ${detail}`, { cause });
    this.name = 'TransportError';
    this.code = code;
  }
}

/** This process does not lead, so it may not write. The write was not sent. */
export class LeadershipLostError extends Error {
  readonly code = 'LeadershipLost';

  constructor(why: string) {
    super(`this process may not write: ${why}`);
    this.name = 'LeadershipLostError';
  }
}

/** An ApiError from a Status body (`kind: Status`) or from whatever else came with the HTTP status. */
export function apiErrorFrom(request: string, httpStatus: number, body: string, retryAfterHeader?: string): ApiError {
  const status = parseStatus(body);
  return new ApiError({
    request,
    code: httpStatus,
    reason: status.reason,
    serverMessage: status.message === '' ? body.slice(0, 300) : status.message,
    retryAfterSeconds: secondsFrom(retryAfterHeader) ?? status.retryAfterSeconds,
  });
}

/** An ApiError from the Status object inside a watch's ERROR event. */
export function apiErrorFromStatus(request: string, status: unknown): ApiError {
  const fields = statusFields(status);
  return new ApiError({
    request,
    code: fields.code,
    reason: fields.reason,
    serverMessage: fields.message,
    retryAfterSeconds: fields.retryAfterSeconds,
  });
}

export function isApiError(error: unknown, code: number, reason?: string): error is ApiError {
  return error instanceof ApiError && error.code === code && (reason === undefined || error.reason === reason);
}

/** The object is not there. */
export const isNotFound = (error: unknown): error is ApiError => isApiError(error, 404);
/** A create met an object of that name. */
export const isAlreadyExists = (error: unknown): error is ApiError => isApiError(error, 409, 'AlreadyExists');
/** A precondition (resourceVersion, UID) did not hold: look again before writing. */
export const isConflict = (error: unknown): error is ApiError =>
  isApiError(error, 409) && error.reason !== 'AlreadyExists';
/** The resource version asked for is gone: list anew. */
/** The API server says no for good: a quota, an admission policy, a schema. Waiting does not help, a person must change something. */
export const isRefusal = (error: unknown): error is ApiError =>
  error instanceof ApiError && [400, 403, 422].includes(error.code);

export const isExpired = (error: unknown): error is ApiError =>
  error instanceof ApiError && (error.code === 410 || error.reason === 'Expired' || error.reason === 'Gone');

/** The system's code of an error (`ECONNREFUSED`), or `Error`. By shape: an error of another realm is no instance of ours. */
export function codeOf(error: unknown): string {
  return isRecord(error) && typeof error['code'] === 'string' ? error['code'] : 'Error';
}

export function messageOf(error: unknown): string {
  return isRecord(error) && typeof error['message'] === 'string' ? error['message'] : String(error);
}

function parseStatus(body: string): ReturnType<typeof statusFields> {
  try {
    return statusFields(JSON.parse(body));
  } catch {
    return statusFields(undefined);
  }
}

function statusFields(value: unknown): { code: number; reason: string; message: string; retryAfterSeconds?: number } {
  const status = isRecord(value) ? value : {};
  const details = isRecord(status['details']) ? status['details'] : {};
  const retry = details['retryAfterSeconds'];
  return {
    code: typeof status['code'] === 'number' ? status['code'] : 0,
    reason: typeof status['reason'] === 'string' ? status['reason'] : '',
    message: typeof status['message'] === 'string' ? status['message'] : '',
    ...(typeof retry === 'number' && retry > 0 ? { retryAfterSeconds: retry } : {}),
  };
}

function secondsFrom(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return header !== undefined && header.trim() !== '' && Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}
