import type { Tool } from '../cluster/kubectl.ts';
import { influxdbName } from './servers.ts';

const hosts = 10;
const minutesOfAWeek = 7 * 24 * 60;

const influx = (kubectl: Tool, namespace: string, args: readonly string[], input?: string): Promise<string> => {
  const where = ['exec', '--stdin', '--namespace', namespace, `deployment/${influxdbName}`, '--'];
  return kubectl([...where, 'influx', ...args], { ...(input !== undefined && { input }), timeoutMs: 300_000 });
};

const lines = (from: number, minutes: number): string[] =>
  Array.from({ length: minutes }, (_unused, minute) => minute).flatMap((minute) =>
    Array.from({ length: hosts }, (_none, host) => {
      const at = from + minute * 60;
      const load = Math.sin(minute / 720 + host) + 1 + ((minute * 7919 + host * 104_729) % 1000) / 1000;
      return `cpu,host=web${host} usage=${load.toFixed(3)},processes=${200 + ((minute * 31 + host) % 90)}i ${at}`;
    }),
  );

const importPoints = (kubectl: Tool, namespace: string, points: readonly string[]): Promise<string> => {
  const text = ['# DML', '# CONTEXT-DATABASE: telegraf', '# CONTEXT-RETENTION-POLICY: autogen', ...points, ''].join(
    '\n',
  );
  return influx(kubectl, namespace, ['-import', '-path=/dev/stdin', '-precision=s'], text);
};

/** Fills the database `telegraf` with a week of logs, unless it is there. Returns the number of points. */
export const fillLogs = async (kubectl: Tool, namespace: string): Promise<number> => {
  const databases = await influx(kubectl, namespace, ['-execute', 'SHOW DATABASES', '-format=csv']);
  if (!databases.includes(',telegraf')) {
    await influx(kubectl, namespace, ['-execute', 'CREATE DATABASE telegraf']);
    await importPoints(kubectl, namespace, lines(Math.floor(Date.now() / 1000) - 8 * 86_400, minutesOfAWeek));
  }
  const counted = await influx(kubectl, namespace, [
    '-database=telegraf',
    '-format=csv',
    '-execute=SELECT COUNT(usage) FROM cpu',
  ]);
  return Number(counted.trim().split(',').at(-1));
};

/** An hour's logs more. */
export const changeLogs = async (kubectl: Tool, namespace: string): Promise<void> => {
  await importPoints(kubectl, namespace, lines(Math.floor(Date.now() / 1000) - 3700, 60));
};
