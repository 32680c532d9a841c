import type { InfluxdbTask } from '../../../api/v1alpha1/sources/influxdb.ts';
import type { RunContext } from '../../run.ts';
import { createServer, type InfluxServer } from './server.ts';

/** The HTTP API of a task's server, with the account that its Secret holds. @throws RunError SecretMissing */
export const openServer = async (
  { secrets }: Pick<RunContext, 'secrets'>,
  { host, httpPort, credentials }: InfluxdbTask,
): Promise<InfluxServer> => {
  if (credentials === undefined) return createServer({ host, port: httpPort });
  const username = await secrets.read(credentials, 'username', { public: true });
  const password = await secrets.read(credentials, 'password');
  // What the header carries is the password in another form.
  secrets.remember(Buffer.from(`${username}:${password}`).toString('base64'));
  return createServer({ host, port: httpPort, account: { username, password } });
};
