import type { DeepReadonly } from '../base/types.ts';
import type { KubeClient } from '../kube/client.ts';
import { getObject } from '../kube/objects.ts';
import { resources } from '../policy/resources.ts';
import { requestView, type RequestView } from './views.ts';

interface Scope {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
}

/**
 * The very request as the API server has it now, past every cache, if it may still go on. Undefined: it is gone, another one of its name, being
 * deleted, cancelled, or of another version.
 */
export const readLive = async (
  { client, signal }: Scope,
  { metadata: { namespace, name, uid } }: DeepReadonly<RequestView>,
): Promise<RequestView | undefined> => {
  const raw = await getObject(client, resources.restoreRequest, { namespace, name }, { signal });
  if (raw === undefined || raw.metadata.uid !== uid || raw.metadata.deletionTimestamp !== undefined) return undefined;
  const view = requestView(raw);
  return view.spec === undefined || view.spec.cancel ? undefined : view;
};
