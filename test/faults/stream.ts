import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { splitLines } from '../../src/kube/lines.ts';
import { isRecord } from '../../src/kube/types.ts';

/** An event of a watch, as it is on the wire. */
export interface StreamEvent {
  readonly type: string;
  readonly object: unknown;
}

/**
 * What becomes of an event: `freeze` keeps the connection open and silent from here on, `cut` resets it, `end` closes it
 * as a server does; `insert` sends another event before it, `replace` instead of it.
 */
export type StreamAction =
  'pass' | 'drop' | 'duplicate' | 'freeze' | 'cut' | 'end' | { readonly insert: object } | { readonly replace: object };

/** An open watch, to be used at any time and not only when an event comes. */
export interface OpenStream {
  /** Sends the client an event of the test's own. */
  send(event: object): void;
  /** Silent from now on, and open. */
  freeze(): void;
  /** Resets the connection. */
  cut(): void;
}

/** How one watch goes wrong; what is left out goes right. */
export interface StreamScript {
  onOpen?(stream: OpenStream): void;
  /** `n` is 0 for the first event, bookmarks included. */
  onEvent?(event: StreamEvent, n: number): StreamAction;
}

/** Passes a watch on, event by event, as the script says; ends with the stream, or once the client has left. */
export const relayWatch = async (from: IncomingMessage, to: ServerResponse, script: StreamScript): Promise<void> => {
  let frozen = false;
  const cut = (): void => {
    to.socket?.resetAndDestroy();
  };
  // A slow reader slows the server down, as without the proxy.
  const write = async (line: string): Promise<void> => {
    if (frozen || to.destroyed || to.write(`${line}\n`)) return;
    await Promise.race([once(to, 'drain'), once(to, 'close')]);
  };
  const freeze = (): void => {
    frozen = true;
  };
  script.onOpen?.({ send: (event) => void write(JSON.stringify(event)), freeze, cut });
  from.setEncoding('utf8');
  let n = 0;
  for await (const line of splitLines(from)) {
    if (to.destroyed) return;
    const action = script.onEvent?.(parseEvent(line), n++) ?? 'pass';
    if (action === 'cut') return cut();
    if (action === 'end') break;
    if (action === 'freeze') freeze();
    for (const out of linesFor(action, line)) await write(out);
  }
  if (!frozen) to.end();
};

const linesFor = (action: StreamAction, line: string): readonly string[] => {
  if (action === 'pass') return [line];
  if (action === 'duplicate') return [line, line];
  if (typeof action === 'string') return [];
  return 'insert' in action ? [JSON.stringify(action.insert), line] : [JSON.stringify(action.replace)];
};

const parseEvent = (line: string): StreamEvent => {
  const event: unknown = JSON.parse(line);
  return { type: isRecord(event) ? String(event['type']) : '', object: isRecord(event) ? event['object'] : undefined };
};
