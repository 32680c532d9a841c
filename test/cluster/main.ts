// npm run cluster:up | cluster:down | cluster:status [-- --provider embedded --name NAME --json]
import { parseArgs } from 'node:util';
import { type ClusterStatus, findCluster } from './cluster.ts';
import { ClusterError } from './error.ts';
import { createProgress } from './progress.ts';
import { providerSchema } from './provider.ts';

const USAGE = `usage: node test/cluster/main.ts up|down|status [options]
  --provider external|kind|embedded   instead of the first that this machine can have
  --name NAME                         clusters of different names run side by side (holdfast)
  --json                              print {provider, kubeconfig, state} as JSON`;

const report = (status: ClusterStatus, json: boolean): string => {
  if (json) return JSON.stringify(status);
  const lines = [`provider:   ${status.provider}`, `state:      ${status.state}`, `kubeconfig: ${status.kubeconfig}`];
  return status.state === 'running'
    ? [...lines, '', `export KUBECONFIG=${status.kubeconfig}`].join('\n')
    : lines.join('\n');
};

const main = async (args: readonly string[]): Promise<void> => {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { provider: { type: 'string' }, name: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const [command] = positionals;
  if (positionals.length !== 1 || (command !== 'up' && command !== 'down' && command !== 'status')) {
    throw new ClusterError(`Unknown command: ${positionals.join(' ')}`, USAGE);
  }
  const provider = values.provider === undefined ? undefined : providerSchema.safeParse(values.provider);
  if (provider?.success === false) throw new ClusterError(`Unknown provider: ${values.provider}`, USAGE);

  const cluster = await findCluster({
    progress: createProgress(),
    ...(values.name === undefined ? {} : { name: values.name }),
    ...(provider === undefined ? {} : { provider: provider.data }),
  });
  if (command === 'up') await cluster.up();
  if (command === 'down') await cluster.down();
  process.stdout.write(`${report(await cluster.status(), values.json)}\n`);
};

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  if (!(error instanceof ClusterError) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
}
