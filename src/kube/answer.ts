import type { IncomingMessage } from 'node:http';
import { apiErrorFrom, TransportError, type ApiError } from './errors.ts';

/** The whole body. Throws when the connection ends before it does. */
export async function readAll(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  const parts: string[] = [];
  for await (const part of response) parts.push(String(part));
  return parts.join('');
}

/** The parsed body of a success. @throws {ApiError} it was none @throws {TransportError} it is not JSON */
export function parseAnswer(what: string, response: IncomingMessage, text: string): unknown {
  if (!isSuccess(response)) throw refusal(what, response, text);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TransportError(what, 'BadAnswer', 'the answer is not JSON', error);
  }
}

export function isSuccess({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

/** What the server said instead of doing it. */
export function refusal(what: string, response: IncomingMessage, body: string): ApiError {
  return apiErrorFrom(what, response.statusCode ?? 0, body, response.headers['retry-after']);
}
