import { admissionName, type RestoreAdmission } from '../../../src/admission/objects.ts';
import { isConflict } from '../../../src/kube/errors.ts';
import { isRecord, type KubeObject } from '../../../src/kube/types.ts';
import { readAdmission } from '../../../src/restore/confirmation/admission-state.ts';
import { waitUntil } from '../../cluster/process.ts';
import { operator, type People } from './people.ts';
import { admission, call } from './stage.ts';

/** What an administrator of the cluster does to the admission policies, on purpose or not. */

const registration = { group: 'admissionregistration.k8s.io', version: 'v1' } as const;
const plurals = { policy: 'validatingadmissionpolicies', binding: 'validatingadmissionpolicybindings' } as const;
export type Which = keyof typeof plurals;

export interface Weakening {
  readonly which: Which;
  readonly what: RestoreAdmission;
  /** Undefined: it is deleted. */
  readonly change: (found: KubeObject) => KubeObject | undefined;
}

export const withSpec =
  (changes: Record<string, unknown>) =>
  (found: KubeObject): KubeObject => ({
    ...found,
    spec: { ...(isRecord(found['spec']) ? found['spec'] : {}), ...changes },
  });

/** Changes one of them. Gives what puts it back: the same spec, by one write. */
export const weaken = async ({ admin }: People, { which, what, change }: Weakening): Promise<() => Promise<void>> => {
  const type = { ...registration, plural: plurals[which] };
  const name = admissionName(admission.name, what);
  const get = (): Promise<KubeObject> => call(admin, { method: 'GET', type, name });
  // The API server checks the expressions meanwhile, and writes what it finds into the status.
  const replace = async (by: (now: KubeObject) => KubeObject): Promise<void> => {
    try {
      await call(admin, { method: 'PUT', type, name, body: by(await get()) });
    } catch (error) {
      if (!isConflict(error)) throw error;
      await replace(by);
    }
  };
  const found = await get();
  const changed = change(found);
  if (changed === undefined) {
    await call(admin, { method: 'DELETE', type, name });
    return async () => {
      const { apiVersion, kind, spec, metadata } = found;
      const body = { apiVersion, kind, spec, metadata: { name, labels: metadata.labels } };
      await call(admin, { method: 'POST', type, body });
    };
  }
  await replace((now) => change(now) ?? now);
  return () =>
    replace((now) => {
      const { managedFields: _fields, ...metadata } = now.metadata;
      return { ...now, metadata, spec: found['spec'] };
    });
};

/** Waits until what is created from now on counts, as the operator sees it. */
export const untilInForce = async (people: People): Promise<void> => {
  const client = await people.as(operator);
  await waitUntil(
    async () => {
      const state = await readAdmission({ client }, admission);
      // A creation time is rounded down to its second.
      return 'inForceSince' in state && state.inForceSince.getTime() + 1000 < Date.now();
    },
    { timeoutMs: 30_000, intervalMs: 250, describe: () => 'the admission policies are not in force' },
  );
};
