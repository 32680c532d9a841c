import { admissionOutputs } from './admission.ts';
import { allCrds } from './crd.ts';
import { failuresDocument } from './failures.ts';
import { crdTemplate } from './helm.ts';
import { referenceDocument } from './reference.ts';
import { yamlDocument } from './yaml.ts';
import type { Output } from './output.ts';

/** Everything that is generated from the schemas and the catalogue alone. Pure; what needs helm is in install.ts. */
export const outputs = (): Output[] => {
  return [
    ...allCrds().flatMap((crd): Output[] => [
      { path: `crds/${crd.spec.group}_${crd.spec.names.plural}.yaml`, content: yamlDocument(crd) },
      { path: `charts/holdfast/templates/crds/${crd.spec.names.plural}.yaml`, content: crdTemplate(crd) },
      { path: `docs/reference/${crd.spec.names.singular}.md`, content: referenceDocument(crd) },
    ]),
    ...admissionOutputs(),
    { path: 'docs/failures.md', content: failuresDocument() },
  ];
};
