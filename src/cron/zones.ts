import { createZone, type Zone } from './zone.ts';

/** A time zone by its name. @throws {TimeZoneError} there is none */
export type Zones = (name: string) => Zone;

/** Makes each zone once: its tables cost far more than a look at them. */
export const createZones = (): Zones => {
  const zones = new Map<string, Zone>();
  return (name) => {
    const known = zones.get(name);
    if (known !== undefined) return known;
    const zone = createZone(name);
    zones.set(name, zone);
    return zone;
  };
};
