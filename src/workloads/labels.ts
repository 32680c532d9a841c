import type { JobKind } from '../api/v1alpha1/recovery-points.ts';
import { policyLabelValue } from './names.ts';

/** On everything of a policy; its value is the policy's name, shortened when it is longer than a label may be. */
export const policyLabel = 'holdfast.dev/policy';
/** On everything of a policy: its whole name. */
export const policyAnnotation = 'holdfast.dev/policy';
/** Written by a person: the data time of a copy whose loss, against what is stored, was meant. */
export const acceptShrinkAnnotation = 'holdfast.dev/accept-shrink';
/** Written by a person on a policy: a run that is asked for, `<kind>@<anything>`. */
export const requestAnnotation = 'holdfast.dev/run';
/** On the Jobs of a RestoreRequest, and their pods: its name. */
export const restoreAnnotation = 'holdfast.dev/restore-request';
/** Likewise: what the Job does for it, one of {@link restoreStages}. */
export const restoreStageLabel = 'holdfast.dev/restore-stage';
/** On what belongs to one kind of run. */
export const runLabel = 'holdfast.dev/run';

export const managedByLabels = {
  'app.kubernetes.io/managed-by': 'holdfast',
  'app.kubernetes.io/part-of': 'holdfast',
} as const;

/** The label selector of everything the operator watches beside the policies. */
export const managedSelector = 'app.kubernetes.io/managed-by=holdfast';

export const policyLabels = (policyName: string): Record<string, string> => ({
  ...managedByLabels,
  [policyLabel]: policyLabelValue(policyName),
});

export const runLabels = (policyName: string, kind: JobKind): Record<string, string> => ({
  ...policyLabels(policyName),
  [runLabel]: kind,
});

export const policyAnnotations = (policyName: string): Record<string, string> => ({ [policyAnnotation]: policyName });
