import { createHash } from 'node:crypto';

/**
 * The names of what a restore makes on a server. The name is the mark: whatever is removed later is found by it, and nothing else is. What
 * belongs to which database stands in the journal, since a name may be too long to hold both.
 */

/** The longest name of a database that the servers take. */
const longest = 64;
/** Names of others than these characters take up to five bytes each on the server's disk, where 255 is the end. */
const plain = /^[\w-]*$/;

const prefix = (id: string): string => `holdfast_${id}_`;

/** What all databases of loaded data of a restore begin with. */
export const asidePrefix = (id: string): string => `${prefix(id)}new_`;

/** What all databases of what a restore set aside begin with. */
export const oldPrefix = (id: string): string => `${prefix(id)}old_`;

const within = (start: string, database: string): string => {
  const whole = `${start}${database}`;
  if (whole.length <= longest && plain.test(database)) return whole;
  const hash = createHash('sha256').update(database).digest('hex').slice(0, 10);
  const room = longest - start.length - hash.length - 1;
  return `${start}${database.replaceAll(/[^\w-]/gu, '_').slice(0, room)}_${hash}`;
};

/** Where the data of a database is loaded, beside it. */
export const asideName = (id: string, database: string): string => within(asidePrefix(id), database);

/** Where what was in a database is set aside. */
export const oldName = (id: string, database: string): string => within(oldPrefix(id), database);

/** The database of the journal of an exchange, and of what was set aside as text. */
export const exchangeName = (id: string): string => `${prefix(id)}exchange`;

const exchange = /^holdfast_([0-9a-f]{8})_exchange$/;

/** The restore whose journal a database holds; undefined for any other database. */
export const exchangeOf = (database: string): string | undefined => exchange.exec(database)?.[1];

/** What a view of the present data is called while the restored ones take its place: a view cannot leave its database. */
export const setAsideView = (id: string, index: number): string => `${prefix(id)}view_${index}`;

/** A table in a database that a restore made under the name it is to keep: the mark that it made it, and is not done with it. */
export const loadingMark = (id: string): string => `${prefix(id)}loading`;
