import { fieldManager } from './apply.ts';
import type { KubeClient } from './client.ts';
import { leaseType, leaseWith, type LeaseRecord } from './lease-record.ts';
import { asObject, getObject } from './objects.ts';
import { resourcePath } from './path.ts';
import type { KubeObject, ObjectName } from './types.ts';

/** Reads and writes one Lease. */
export interface LeaseClient {
  /** The Lease as the server holds it now; undefined when there is none. */
  read(): Promise<KubeObject | undefined>;
  /**
   * Writes `record` over `observed`, whose resourceVersion is the precondition; undefined: makes the Lease.
   * @throws {ApiError} 409: somebody else wrote since, or made it; 404: it is gone
   */
  write(observed: KubeObject | undefined, record: LeaseRecord): Promise<KubeObject>;
}

/** `timeLimitMs` is that of one request: several must fit into the time a renewal may take. */
export function createLeaseClient(client: KubeClient, lease: ObjectName, timeLimitMs: number): LeaseClient {
  const { namespace } = lease;
  const path = resourcePath({ type: leaseType, ...lease });
  const collection = resourcePath({ type: leaseType, namespace });
  const query = { fieldManager, fieldValidation: 'Strict' };
  return {
    read: () => getObject(client, leaseType, lease, { timeLimitMs }),
    async write(observed, record) {
      const body = leaseWith(lease, observed, record);
      const request =
        observed === undefined ? ({ method: 'POST', path: collection } as const) : ({ method: 'PUT', path } as const);
      return asObject(
        `${request.method} ${request.path}`,
        await client.request({ ...request, query, body, timeLimitMs }),
      );
    },
  };
}
