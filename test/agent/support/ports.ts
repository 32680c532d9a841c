import { freePorts } from '../../cluster/ports.ts';

/** A loopback port that nothing listened on a moment ago, and that no outgoing connection is given meanwhile. */
export const freePort = async (): Promise<number> => {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no port');
  return port;
};
