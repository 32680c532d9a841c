/** A failure a person meets while bringing a cluster up or down: what failed, why, and what to do next. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly next: string;

  /**
   * @param what the step or resource and the cause
   * @param next the next thing to do
   */
  constructor(what: string, next: string, options?: ErrorOptions) {
    super(`${what}\n  Next: ${next}`, options);
    this.next = next;
  }
}
