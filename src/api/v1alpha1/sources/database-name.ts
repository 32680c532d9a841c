import { text } from '../primitives.ts';

/** The name of a database: what passes can be an element of any tool's arguments. */
export const databaseName = text({
  max: 64,
  pattern: /^[A-Za-z0-9_$][A-Za-z0-9_$.-]*$/,
  message: 'write the name of a database: letters, digits, "_", "$", "." and "-", not beginning with "." or "-"',
});
