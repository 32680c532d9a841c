import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import type { Certificate } from './pki.ts';

/** Asks an apiserver a question; true when the answer's status is 200. */
export type Probe = (path: string) => Promise<boolean>;

const TIMEOUT_MS = 2_000;

/** A probe with a client's certificate: as good as `kubectl get --raw`, without starting a program of 150 MB for each try. */
export const createProbe = async (
  server: string,
  authority: Pick<Certificate, 'certificateFile'>,
  client: Certificate,
): Promise<Probe> => {
  const [ca, cert, key] = await Promise.all(
    [authority.certificateFile, client.certificateFile, client.keyFile].map((file) => readFile(file)),
  );
  return (path) =>
    new Promise((resolve) => {
      // agent: false closes the connection, so nothing keeps a stopping apiserver or this process waiting.
      const call = request(new URL(path, server), { ca, cert, key, agent: false, timeout: TIMEOUT_MS }, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode === 200));
        response.once('error', () => resolve(false));
      });
      call.once('timeout', () => call.destroy(new Error('timeout')));
      call.once('error', () => resolve(false));
      call.end();
    });
};
