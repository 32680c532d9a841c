import type { Zone } from './zone.ts';

/** What a clock on the wall of a zone shows, in the UTC getters of a Date, at an instant in seconds since 1970. */
export const wallClock = (zone: Zone, unixSeconds: number): Date =>
  new Date((unixSeconds + zone.offsetSeconds(unixSeconds)) * 1000);

/**
 * The instant at which the wall clock of a zone shows what the UTC getters of `wall` say. For a wall time that does not exist, or exists
 * twice, it decides as Go's `time.Date` does: the offset is looked up at the wall time read as UTC, and once more with that offset taken off.
 */
export const instantOf = (zone: Zone, wall: Date): number => {
  const asUtc = Math.floor(wall.getTime() / 1000);
  return asUtc - zone.offsetSeconds(asUtc - zone.offsetSeconds(asUtc));
};
