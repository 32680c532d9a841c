import { TimeZoneError } from './error.ts';
import { createZone, type Zone } from './zone.ts';

const makeZone = (name: string): Zone | undefined => {
  try {
    return createZone(name);
  } catch (error) {
    if (error instanceof TimeZoneError) return undefined;
    throw error;
  }
};

/** Time zones by name, each made once; undefined for a name that is not known. */
export const createZones = (): ((name: string) => Zone | undefined) => {
  const zones = new Map<string, Zone | undefined>();
  return (name) => {
    if (!zones.has(name)) zones.set(name, makeZone(name));
    return zones.get(name);
  };
};
