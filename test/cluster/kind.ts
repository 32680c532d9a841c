import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { Cluster, ClusterProvider } from './cluster.ts';
import { ClusterError } from './error.ts';
import { bindTool } from './kubectl.ts';
import { stateDirectory } from './paths.ts';
import type { Progress } from './progress.ts';
import { findTool } from './tools.ts';

/** The version used where `kind` is not on PATH; by Go, since what npm calls kind is another program. */
export const KIND_MODULE = 'sigs.k8s.io/kind@v0.33.0';

/** Node images are fetched on the first `create`. */
const CREATE_TIMEOUT_MS = 15 * 60_000;

/** The program and first arguments that run kind. */
export const kindCommand = (onPath: boolean): [string, string[]] =>
  onPath ? ['kind', []] : ['go', ['run', KIND_MODULE]];

const kind = async (args: readonly string[], detail: (text: string) => void = () => {}): Promise<string> => {
  const onPath = !(await execa('kind', ['version'], { reject: false })).failed;
  const [program, first] = kindCommand(onPath);
  const run = execa(program, [...first, ...args], { reject: false, timeout: CREATE_TIMEOUT_MS, stdin: 'ignore' });
  for await (const line of run.iterable({ from: 'stderr' })) detail(line.trim());
  const result = await run;
  if (!result.failed) return result.stdout;
  throw new ClusterError(
    `kind ${args.join(' ')}: ${result.stderr || result.shortMessage}`,
    'See that `docker info` answers, and https://kind.sigs.k8s.io/docs/user/known-issues/.',
  );
};

/** Brings images of the Docker engine into a kind cluster. */
export const loadIntoKind = async (name: string, images: readonly string[], progress: Progress): Promise<void> => {
  if (images.length === 0) return;
  await progress.task(`Loading images ${images.join(', ')}`, async (detail) => {
    await kind(['load', 'docker-image', '--name', name, ...images], detail);
  });
};

/** A cluster of containers on a Docker engine. */
export const kindCluster = (name: string, progress: Progress): ClusterProvider => {
  const kubeconfig = join(stateDirectory(name), 'kind.kubeconfig');
  const exists = async () => (await kind(['get', 'clusters'])).split('\n').includes(name);
  const down = async () => {
    if (!(await exists())) return;
    await progress.task(`Removing cluster ${name}`, async (detail) => {
      await kind(['delete', 'cluster', '--name', name, '--kubeconfig', kubeconfig], detail);
    });
  };
  const answers = async () => {
    const kubectl = bindTool(await findTool('kubectl', progress), kubeconfig);
    return await kubectl(['get', '--raw', '/readyz'], { timeoutMs: 15_000 }).then(
      () => true,
      () => false,
    );
  };
  const create = async () =>
    await progress.task(`Starting cluster ${name}`, async (detail) => {
      const config = join(import.meta.dirname, 'kind.yaml');
      await kind(
        ['create', 'cluster', '--name', name, '--config', config, '--kubeconfig', kubeconfig, '--wait', '5m'],
        detail,
      );
    });

  return {
    down,
    status: async () => {
      if (!(await exists())) return { provider: 'kind', kubeconfig, state: 'stopped' };
      return { provider: 'kind', kubeconfig, state: (await answers()) ? 'running' : 'broken' };
    },
    up: async (): Promise<Cluster> => {
      await mkdir(dirname(kubeconfig), { recursive: true });
      if (await exists()) await kind(['export', 'kubeconfig', '--name', name, '--kubeconfig', kubeconfig]);
      if (!(await answers())) {
        await down();
        await create();
      }
      return {
        provider: 'kind',
        name,
        kubeconfig,
        kubectl: bindTool(await findTool('kubectl', progress), kubeconfig),
        helm: bindTool(await findTool('helm', progress), kubeconfig),
        loadImages: (names) => loadIntoKind(name, names, progress),
        down,
      };
    },
  };
};
