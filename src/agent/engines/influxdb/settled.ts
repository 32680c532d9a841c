/** Points of the last moments are on their way while they are counted: they are no witnesses. */
const settleMs = 60_000;

/** Up to when points are counted. In whole seconds, as facts.json has it: who counts again must count up to the very same moment. */
export const settledBefore = (now: Date): Date => new Date(Math.floor((now.getTime() - settleMs) / 1000) * 1000);
