/** A number of places, taken in the order in which they were asked for. */
export interface Places {
  /** Resolves when a place is free, with the function that gives it back. Rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<() => void>;
}

export function createPlaces(count: number): Places {
  let taken = 0;
  const waiting: (() => void)[] = [];

  // A place given back goes straight to who waits longest, so that a newcomer cannot slip in between.
  const giveBack = (): void => {
    const next = waiting.shift();
    if (next === undefined) taken -= 1;
    else next();
  };
  const once = (action: () => void): (() => void) => {
    let done = false;
    return () => {
      if (done) return;
      done = true;
      action();
    };
  };

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (taken < count) {
        taken += 1;
        return once(giveBack);
      }
      return new Promise((resolve, reject) => {
        const giveUp = (): void => {
          waiting.splice(waiting.indexOf(enter), 1);
          reject(signal.reason);
        };
        const enter = (): void => {
          signal.removeEventListener('abort', giveUp);
          resolve(once(giveBack));
        };
        waiting.push(enter);
        signal.addEventListener('abort', giveUp, { once: true });
      });
    },
  };
}
