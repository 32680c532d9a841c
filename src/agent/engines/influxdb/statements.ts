/** An identifier of InfluxQL in double quotes. */
export const identifier = (name: string): string =>
  `"${name.replaceAll(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))}"`;

/** A field of one type in one retention policy. A field may have another type in another shard. */
export interface FieldKey {
  readonly policy: string;
  readonly measurement: string;
  readonly field: string;
  /** `float`, `integer`, `unsigned`, `string` or `boolean`. */
  readonly type: string;
}

/** Without a measurement named, SHOW FIELD KEYS tells of the default retention policy only. */
export const showFieldKeys = (database: string, policy: string): string =>
  `SHOW FIELD KEYS ON ${identifier(database)} FROM ${identifier(policy)}./.*/`;

/** How many values there are in a retention policy, for each field of each measurement. */
export const countAll = (database: string, policy: string): string =>
  `SELECT COUNT(*) FROM ${identifier(database)}.${identifier(policy)}./.*/`;

/**
 * All points of a field, a series after another, oldest first: the same data come in the same order from every server. The cast keeps a tag
 * of the same name, and values of other types, out.
 */
export const selectField = (database: string, { policy, measurement, field, type }: FieldKey): string => {
  if (!/^[a-z]+$/.test(type)) throw new Error(`a field of type ${type} is not known`);
  const from = [database, policy, measurement].map(identifier).join('.');
  return `SELECT ${identifier(field)}::${type} FROM ${from} GROUP BY *`;
};
