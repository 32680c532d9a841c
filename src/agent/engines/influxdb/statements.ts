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

/** A span of time, as the server writes times; `end` is not in it. */
export interface Between {
  readonly start: string;
  readonly end: string;
}

/** The fields of one measurement in one retention policy. */
export type FieldsOfOne = readonly [FieldKey, ...FieldKey[]];

/**
 * All points of fields of one measurement, a series after another, oldest first: the same data come in the same order from every server. The
 * cast keeps a tag of the same name, and values of other types, out.
 */
export const selectFields = (database: string, keys: FieldsOfOne, between?: Between): string =>
  `SELECT ${keys.map(typed).join(', ')} ${fromOne(database, keys, between)} GROUP BY *`;

/** How many values there are of fields of one measurement. */
export const countFields = (database: string, keys: FieldsOfOne, between?: Between): string =>
  `SELECT ${keys.map((key) => `COUNT(${typed(key)})`).join(', ')} ${fromOne(database, keys, between)}`;

const typed = ({ field, type }: FieldKey): string => {
  if (!/^[a-z]+$/.test(type)) throw new Error(`a field of type ${type} is not known`);
  return `${identifier(field)}::${type}`;
};

const fromOne = (database: string, [{ policy, measurement }]: FieldsOfOne, between?: Between): string => {
  const from = `FROM ${[database, policy, measurement].map(identifier).join('.')}`;
  if (between === undefined) return from;
  const { start, end } = between;
  return `${from} WHERE time >= '${moment(start)}' AND time < '${moment(end)}'`;
};

const moment = (time: string): string => {
  if (!/^-?\d{4,}-\d\d-\d\dT[\d:.]+Z$/.test(time)) throw new Error(`a time like ${time} is not known`);
  return time;
};
