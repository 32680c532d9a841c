import { backupPolicyCrd } from './crd.ts';
import { yamlDocument } from './yaml.ts';

/** A generated file: path below the root of the project, and content. */
export interface Output {
  readonly path: string;
  readonly content: string;
}

/** Everything that is generated from the schemas and the catalogue alone. Pure; what needs helm is in rendered.ts. */
export const outputs = (): Output[] => [
  { path: 'crds/holdfast.dev_backuppolicies.yaml', content: yamlDocument(backupPolicyCrd()) },
];
