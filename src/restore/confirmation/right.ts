import { confirmVerb } from '../../admission/confirmations.ts';
import { group } from '../../api/v1alpha1/backuppolicy.ts';
import type { RestoreConfirmationSpec } from '../../api/v1alpha1/restoreconfirmation.ts';
import { restoreRequestNames } from '../../api/v1alpha1/restorerequest.ts';
import type { KubeClient } from '../../kube/client.ts';
import { resourcePath } from '../../kube/path.ts';
import { isRecord } from '../../kube/types.ts';

const reviews = { group: 'authorization.k8s.io', version: 'v1', plural: 'localsubjectaccessreviews' } as const;

interface Scope {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Whether who confirmed a request may do so now, asked of the API server with the name and the groups that admission found true when the
 * confirmation was made. Anything but a plain yes is a no.
 */
export const mayConfirm = async (
  { client, namespace, signal }: Scope,
  { request, confirmedBy, groups }: Pick<RestoreConfirmationSpec, 'request' | 'confirmedBy' | 'groups'>,
): Promise<boolean> => {
  const answer = await client.request({
    method: 'POST',
    path: resourcePath({ type: reviews, namespace }),
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'LocalSubjectAccessReview',
      metadata: { namespace },
      spec: {
        user: confirmedBy,
        groups,
        resourceAttributes: {
          verb: confirmVerb,
          group,
          resource: restoreRequestNames.plural,
          namespace,
          name: request.name,
        },
      },
    },
    signal,
  });
  const status = isRecord(answer) && isRecord(answer['status']) ? answer['status'] : {};
  return status['allowed'] === true && status['denied'] !== true;
};
