import { setTimeout as wait } from 'node:timers/promises';
import type { ApiRequest, KubeClient } from '../../src/kube/client.ts';
import { ApiError, isAlreadyExists } from '../../src/kube/errors.ts';
import { isRecord } from '../../src/kube/types.ts';

const limitMs = 60_000;

const nameIn = ({ body }: ApiRequest): string => {
  const metadata = isRecord(body) ? body['metadata'] : undefined;
  return isRecord(metadata) ? String(metadata['name']) : '';
};

// A server that starts refuses for want of its caches what it takes a moment later.
const mayPass = (error: unknown): boolean =>
  !(error instanceof ApiError) || error.code >= 500 || error.code === 429 || error.code === 403;

/** The test's own client where the API server is restarted: tries again, since it is not the test that is tested. */
export const patiently = (client: KubeClient): KubeClient => {
  const request = async (asked: ApiRequest): Promise<unknown> => {
    const endMs = Date.now() + limitMs;
    for (let tries = 0; ; tries += 1) {
      try {
        return await client.request(asked);
      } catch (error) {
        // The try before was carried out, and its answer lost.
        if (tries > 0 && asked.method === 'POST' && isAlreadyExists(error)) {
          return request({ method: 'GET', path: `${asked.path}/${nameIn(asked)}` });
        }
        if (!mayPass(error) || Date.now() > endMs) throw error;
        await wait(250);
      }
    }
  };
  return { ...client, request };
};
