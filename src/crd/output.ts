/** A generated file: path below the root of the project, and content. */
export interface Output {
  readonly path: string;
  readonly content: string;
}
