import { createZone, type Zone } from './zone.ts';

/** Time zones by name, each made once; undefined for a name that is not known. */
export const createZones = (): ((name: string) => Zone | undefined) => {
  const zones = new Map<string, Zone | undefined>();
  const make = (name: string): Zone | undefined => {
    try {
      return createZone(name);
    } catch {
      return undefined;
    }
  };
  return (name) => {
    if (!zones.has(name)) zones.set(name, make(name));
    return zones.get(name);
  };
};
