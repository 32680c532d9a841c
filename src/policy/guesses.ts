// What is said of a pod that left no word; a word of its own that is seen later weighs more.
const guesses: readonly (string | undefined)[] = ['PodLost', 'ResultMissing', 'DeadlineExceeded'];

/** Whether a reason is what is said for want of a word from the pod. */
export const isGuess = (reason: string | undefined): boolean => guesses.includes(reason);
