/** What the proxy does with a request. */
export type Decision =
  | { readonly kind: 'forward' }
  /** Forwarded after a while. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Never reaches the server. Without a body, a Status of that code. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  /** The server has carried it out; `after` says what the client sees of it: the server's answer (nothing, `forward`), or anything else. */
  | { readonly kind: 'forwardThen'; readonly after: (committed: Committed) => Promise<Decision | void> }
  /** The connection is reset before the server has seen anything. */
  | { readonly kind: 'reset' }
  /** Half-open: the socket stays open and nothing comes. */
  | { readonly kind: 'hang' };

/** What the server answered. */
export interface Committed {
  readonly status: number;
  readonly body: string;
}

/** As the server has it. */
export const forward: Decision = { kind: 'forward' };
