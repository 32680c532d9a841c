import { setTimeout as sleep } from 'node:timers/promises';
import { restoreRequestStatus, type RestoreRequestStatus } from '../../src/api/v1alpha1/restorerequest.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Manifest } from './objects.ts';
import { inShellOf, type Person } from './people.ts';
import type { PolicyName } from './runs.ts';

const apiVersion = 'holdfast.dev/v1alpha1';

interface Wait {
  /** What it is waited for, in words. */
  readonly what: string;
  readonly seconds: number;
  /** Called with each status on the way. */
  readonly onLook?: (status: RestoreRequestStatus) => void;
}

/** One restore, as people have it by kubectl: of this policy, unless they ask for others. */
export const createRestoring = (cluster: Cluster, { namespace, name: policy }: PolicyName, request: string) => {
  const { kubectl } = cluster;
  const inNamespace = (...args: string[]): Promise<string> => kubectl([...args, '--namespace', namespace]);
  const createAs = async (person: Person, object: Manifest): Promise<void> => {
    await kubectl(['create', '--as', person, '--filename', '-'], { input: JSON.stringify(object) });
  };
  const status = async (): Promise<RestoreRequestStatus> => {
    const object = JSON.parse(await inNamespace('get', 'rr', request, '--output', 'json')) as { status?: unknown };
    return restoreRequestStatus.parse(object.status ?? {});
  };
  /** Waits until status says so. @throws Error with its status when it ends before, or the time is over */
  const until = async (
    done: (status: RestoreRequestStatus) => boolean,
    { what, seconds, onLook = () => {} }: Wait,
  ): Promise<RestoreRequestStatus> => {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const now = await status();
      onLook(now);
      if (done(now)) return now;
      if (now.completionTime !== undefined || performance.now() > end)
        throw new Error(`The request is not ${what}: ${JSON.stringify(now, null, 2)}`);
      await sleep(500);
    }
  };
  return {
    status,
    /** Asks for it, as alice. */
    ask: (spec: Record<string, unknown>) =>
      createAs('alice', {
        apiVersion,
        kind: 'RestoreRequest',
        metadata: { namespace, name: request },
        spec: { policyRefs: [{ name: policy }], destination: { inPlace: {} }, requestedBy: 'alice', ...spec },
      }),
    /** Confirms the plan that status shows; `name` is whose word it is said to be. */
    async confirm(person: Person, name: string = person): Promise<void> {
      const { plan } = await status();
      const uid = await inNamespace('get', 'rr', request, '--output', 'jsonpath={.metadata.uid}');
      await createAs(person, {
        apiVersion,
        kind: 'RestoreConfirmation',
        metadata: { namespace, name: `${request}-${name}` },
        spec: {
          request: { name: request, uid },
          planHash: plan?.hash,
          confirmedBy: name,
          reason: 'I looked, and it is gone',
        },
      });
    },
    /** Confirms by the very command that the plan shows, in that person's shell. */
    async confirmAsShown(person: Person): Promise<void> {
      const { plan } = await status();
      const command = (plan?.confirmWith ?? '').replace(/reason: .*/, "reason: 'I looked, and it is gone'");
      await inShellOf(cluster, person, command);
    },
    until,
    /** Waits until the request has come so far. @throws Error with its status when it ends otherwise, or the time is over */
    phase: (
      wanted: RestoreRequestStatus['phase'],
      seconds: number,
      onLook?: (status: RestoreRequestStatus) => void,
    ): Promise<RestoreRequestStatus> =>
      until(({ phase }) => phase === wanted, { what: wanted ?? '', seconds, ...(onLook && { onLook }) }),
  };
};
