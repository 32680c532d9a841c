/** The time during which this process is the one that may write. */
export interface Term {
  /** Aborts when the leadership is lost: everything under way must stop writing at once. */
  readonly lost: AbortSignal;
  /**
   * Gives the leadership back, so that another need not wait for it to run out. Only when nothing that may write is left:
   * the other begins at once. Never rejects.
   */
  release(): Promise<void>;
  /** Ends the term without giving it back: something may still be writing, and the other waits until it has run out. */
  abandon(): void;
}

/** Who may write. */
export interface Leadership {
  /** Waits until this process leads. Rejects with the signal's reason when it aborts first. */
  acquire(signal: AbortSignal): Promise<Term>;
}

/** For a single replica, and for tests: leads at once and for ever. */
export const alwaysLeader: Leadership = {
  async acquire(signal) {
    signal.throwIfAborted();
    return { lost: new AbortController().signal, release: () => Promise.resolve(), abandon: () => {} };
  },
};
