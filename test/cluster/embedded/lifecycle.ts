import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { ClusterError } from '../error.ts';
import type { Hyperkube } from '../hyperkube.ts';
import { isRunning, identify, type ProcessIdentity, signalProcess, waitUntil } from '../process.ts';
import { tail } from '../server.ts';
import { makeCgroup, removeCgroup } from './cgroups.ts';
import { cgroupName, type Layout, networkOf, SLOTS } from './layout.ts';
import { type ClusterRecord, readRecord, writeJson } from './record.ts';

/** What a cluster is doing. `broken`: parts of it are there. */
export type ClusterState = 'running' | 'stopped' | 'broken';

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** Whether the cluster is there, going by its own processes and the mark that its node became ready. */
export const stateOf = async (layout: Layout): Promise<ClusterState> => {
  if (!(await exists(layout.directory))) return 'stopped';
  const record = await readRecord(layout);
  if (record?.init === undefined || !(await exists(layout.ready))) return 'broken';
  return (await isRunning(record.init)) ? 'running' : 'broken';
};

/** Starts the node in namespaces of its own and waits until it is ready. The state directory must not be there. */
export const startNode = async (
  layout: Layout,
  name: string,
  hyperkube: Hyperkube,
  detail: (text: string) => void,
): Promise<void> => {
  await mkdir(layout.directory, { recursive: true, mode: 0o700 });
  await mkdir('/var/lib/cni', { recursive: true });
  // Modules where the kernel has them as such; what is missing shows later, with a message of its own.
  await execa('modprobe', ['--all', '--quiet', 'overlay', 'br_netfilter'], { reject: false });
  await makeCgroup(cgroupName(name));

  const outer = await spawnNode(layout);
  await writeJson(layout.record, { name, outer } satisfies ClusterRecord);
  const init = await findInit(outer, layout);
  await writeJson(layout.record, { name, outer, init } satisfies ClusterRecord);
  const slot = await connect(init.pid);
  await writeJson(layout.record, { name, outer, init, slot } satisfies ClusterRecord);
  await writeJson(layout.settings, { name, slot, hyperkubeDirectory: hyperkube.directory });

  await waitUntil(
    async () => {
      detail(await tail(layout.nodeLog, 1));
      if (!(await isRunning(init))) throw await failed(layout, 'The node ended while it started');
      return await exists(layout.ready);
    },
    { timeoutMs: 180_000, describe: async () => (await failed(layout, 'The node did not become ready')).message },
  );
};

const failed = async (layout: Layout, what: string): Promise<ClusterError> =>
  new ClusterError(
    `${what}. The end of ${layout.nodeLog}:\n${await tail(layout.nodeLog)}`,
    `Look at the components' logs in ${layout.logs}; then: npm run cluster:down`,
  );

// tini reaps what containerd's shims leave, which Node does not.
const NAMESPACES = ['--mount', '--net', '--pid', '--ipc', '--uts', '--fork', '--mount-proc', '--kill-child'];

const spawnNode = async (layout: Layout): Promise<ProcessIdentity> => {
  const script = join(import.meta.dirname, 'node.ts');
  const inside = ['tini', '--', process.execPath, script, layout.directory];
  const log = await open(layout.nodeLog, 'a');
  try {
    const child = spawn('unshare', [...NAMESPACES, '--propagation', 'private', '--', ...inside], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: layout.directory },
    });
    await once(child, 'spawn');
    child.unref();
    const identity = child.pid === undefined ? undefined : await identify(child.pid);
    if (identity === undefined) throw await failed(layout, 'unshare ended at once');
    return identity;
  } finally {
    await log.close();
  }
};

/** The first process inside: the only child of unshare. */
const findInit = async (outer: ProcessIdentity, layout: Layout): Promise<ProcessIdentity> => {
  let init: ProcessIdentity | undefined;
  await waitUntil(
    async () => {
      if (!(await isRunning(outer))) throw await failed(layout, 'The namespaces could not be made');
      const children = await readFile(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').catch(() => '');
      const [pid] = children.split(' ').map(Number);
      init = pid === undefined || pid === 0 ? undefined : await identify(pid);
      return init !== undefined;
    },
    { timeoutMs: 10_000, intervalMs: 20, describe: () => 'unshare started nothing' },
  );
  if (init === undefined) throw new Error('unreachable: waitUntil returned');
  return init;
};

/** Joins host and node by a pair of interfaces. The first slot whose name is free is taken: making the interface is the lock. */
const connect = async (nodePid: number): Promise<number> => {
  for (let slot = 0; slot < SLOTS; slot++) {
    const { hostInterface, hostAddress, nodeAddress, podCidr, serviceCidr } = networkOf(slot);
    const peer = ['peer', 'name', 'node0', 'netns', String(nodePid)];
    const made = await execa('ip', ['link', 'add', hostInterface, 'type', 'veth', ...peer], { reject: false });
    if (made.failed && made.stderr.includes('File exists')) continue;
    if (made.failed) {
      throw new ClusterError(
        `ip link add ${hostInterface}: ${made.stderr}`,
        'See that the kernel has veth interfaces.',
      );
    }
    await execa('ip', ['address', 'add', `${hostAddress}/30`, 'dev', hostInterface]);
    await execa('ip', ['link', 'set', hostInterface, 'up']);
    for (const cidr of [podCidr, serviceCidr]) await execa('ip', ['route', 'replace', cidr, 'via', nodeAddress]);
    return slot;
  }
  throw new ClusterError(
    `All ${SLOTS} networks of embedded clusters are in use.`,
    'Bring some down: npm run cluster:down',
  );
};

/** Ends what runs and removes what is left; harmless when nothing is there. */
export const removeNode = async (layout: Layout, name: string): Promise<void> => {
  const record = await readRecord(layout);
  if (record !== undefined) {
    // Before the end of the node, with which the interface goes too: afterwards the name may already be another cluster's.
    const alive = record.init !== undefined && (await isRunning(record.init));
    if (record.slot !== undefined && alive) {
      await execa('ip', ['link', 'delete', networkOf(record.slot).hostInterface], { reject: false });
    }
    await endProcesses(record);
  }
  await removeCgroup(cgroupName(name));
  await rm(layout.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
};

/** The first process inside is killed, the kernel kills the others, and unshare, which waits for it, ends. */
const endProcesses = async ({ outer, init }: ClusterRecord): Promise<void> => {
  if (init !== undefined) await signalProcess(init, 'SIGKILL');
  else await signalProcess(outer, 'SIGKILL');
  await waitUntil(async () => !(await isRunning(outer)), {
    timeoutMs: 30_000,
    intervalMs: 50,
    describe: () => `process ${outer.pid} does not end`,
  });
};
