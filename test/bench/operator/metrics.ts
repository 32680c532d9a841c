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
