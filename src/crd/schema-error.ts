/** A schema that cannot be a CRD's. The message names the path of the field. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';

  constructor(path: string, problem: string) {
    super(`${path === '' ? 'the root' : path} ${problem}`);
  }
}
