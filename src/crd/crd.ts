import type { z } from 'zod';
import { backupPolicy, backupPolicyColumns, backupPolicyNames, group, version } from '../api/v1alpha1/backuppolicy.ts';
import {
  restoreConfirmation,
  restoreConfirmationColumns,
  restoreConfirmationNames,
} from '../api/v1alpha1/restoreconfirmation.ts';
import { restoreRequest, restoreRequestColumns, restoreRequestNames } from '../api/v1alpha1/restorerequest.ts';
import { type StructuralSchema, toStructuralSchema } from './structural.ts';

interface Column {
  readonly name: string;
  readonly type: string;
  readonly jsonPath: string;
  readonly description: string;
  readonly priority?: number;
}

interface Names {
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
}

/** A CustomResourceDefinition as Holdfast writes it. */
export interface CustomResourceDefinition {
  apiVersion: 'apiextensions.k8s.io/v1';
  kind: 'CustomResourceDefinition';
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: {
    group: string;
    names: Names;
    scope: 'Namespaced';
    versions: {
      name: string;
      served: boolean;
      storage: boolean;
      schema: { openAPIV3Schema: StructuralSchema };
      subresources?: { status: Record<string, never> };
      additionalPrinterColumns: readonly Column[];
    }[];
  };
}

interface Resource {
  readonly schema: z.ZodType;
  readonly names: Names;
  readonly columns: readonly Column[];
  /** Whether the operator writes a status. */
  readonly hasStatus: boolean;
}

const crdOf = ({ schema, names, columns, hasStatus }: Resource): CustomResourceDefinition => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${names.plural}.${group}` },
  spec: {
    group,
    names,
    scope: 'Namespaced',
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: toStructuralSchema(schema) },
        ...(hasStatus && { subresources: { status: {} } }),
        additionalPrinterColumns: columns,
      },
    ],
  },
});

/** The CRD of BackupPolicy. Throws SchemaError when the zod schema has no structural form. */
export const backupPolicyCrd = (): CustomResourceDefinition =>
  crdOf({ schema: backupPolicy, names: backupPolicyNames, columns: backupPolicyColumns, hasStatus: true });

/** The CRD of RestoreRequest; throws likewise. */
export const restoreRequestCrd = (): CustomResourceDefinition =>
  crdOf({ schema: restoreRequest, names: restoreRequestNames, columns: restoreRequestColumns, hasStatus: true });

/** The CRD of RestoreConfirmation; throws likewise. */
export const restoreConfirmationCrd = (): CustomResourceDefinition =>
  crdOf({
    schema: restoreConfirmation,
    names: restoreConfirmationNames,
    columns: restoreConfirmationColumns,
    hasStatus: false,
  });

/** All CRDs of Holdfast: one line a resource. */
export const allCrds = (): CustomResourceDefinition[] => [
  backupPolicyCrd(),
  restoreRequestCrd(),
  restoreConfirmationCrd(),
];
