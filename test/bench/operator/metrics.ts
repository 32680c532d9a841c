import type { KubeClient } from '../../../src/kube/client.ts';

/** One line of a metrics page. */
interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** Reads the text format of Prometheus: the lines that carry values. */
export const parseMetrics = (text: string): Sample[] =>
  text.split('\n').flatMap((line) => {
    const [, name = '', labels = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    if (name === '') return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [key, text]);
    return [{ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }];
  });

/** The sum of a metric over the label values wanted. */
export const sumOf = (
  samples: readonly Sample[],
  name: string,
  wanted: (labels: Sample['labels']) => boolean = () => true,
): number =>
  samples.reduce((sum, sample) => sum + (sample.name === name && wanted(sample.labels) ? sample.value : 0), 0);

/** What a process tells of itself. */
export const readMetrics = async (url: string): Promise<Sample[]> =>
  parseMetrics(await (await fetch(`${url}/metrics`)).text());

/** The longest and the usual waits of a process's event loop, from many looks: each look begins its count anew. */
export interface LagWatch {
  /** Milliseconds: the worst second's 99th percentile, and the longest of all. */
  stop(): { p99: number; max: number };
}

export const watchLag = (url: string): LagWatch => {
  const seen = { p99: 0, max: 0 };
  const look = async (): Promise<void> => {
    const samples = await readMetrics(url);
    seen.p99 = Math.max(seen.p99, sumOf(samples, 'nodejs_eventloop_lag_p99_seconds') * 1000);
    seen.max = Math.max(seen.max, sumOf(samples, 'nodejs_eventloop_lag_max_seconds') * 1000);
  };
  // An operator that is busy or gone gives no answer: the next look counts what this one missed.
  const timer = setInterval(() => void look().catch(() => {}), 1000);
  return {
    stop() {
      clearInterval(timer);
      return seen;
    },
  };
};

const written = ['backuppolicies', 'cronjobs', 'persistentvolumeclaims', 'events'];
const writing = ['APPLY', 'PATCH', 'PUT', 'POST', 'DELETE'];

/** Writes to what the operator writes to, as the API server counted them since its start, refused ones included. */
export const countWrites = async (api: KubeClient): Promise<number> => {
  const lines = await api.stream({ path: '/metrics', signal: AbortSignal.timeout(30_000), idleLimitMs: 30_000 });
  const text: string[] = [];
  for await (const line of lines) if (line.startsWith('apiserver_request_total{')) text.push(line);
  return sumOf(
    parseMetrics(text.join('\n')),
    'apiserver_request_total',
    ({ verb = '', resource = '' }) => writing.includes(verb) && written.includes(resource),
  );
};
