/** What a Job does for a RestoreRequest. Plan: find the set and look at the destination. Restore: bring the data. Discard: remove the safety copy when its time is over. Clean: remove what was loaded for nothing. */
export const restoreStages = ['plan', 'restore', 'discard', 'clean'] as const;
export type RestoreStage = (typeof restoreStages)[number];
