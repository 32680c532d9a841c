import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { result as resultSchema, type ContainerName, type Result } from '../../../src/api/v1alpha1/result.ts';
import {
  jobVariable,
  taskVariable,
  type AgentTask,
  type DumpSource,
  type FetchTask,
  type Sandbox,
} from '../../../src/api/v1alpha1/task.ts';
import { makeGpgOwner } from '../../agent/support/duplicity-gpg.ts';
import type { Cost } from '../data/figures.ts';
import { bytesBelow } from '../data/measured.ts';
import type { Place } from '../data/place.ts';
import { secretsIn, type MakeSecret } from '../data/secrets.ts';
import { subject } from '../../support/subject.ts';

/** One policy's containers as processes: what backs up, and what verifies. */
export interface PolicyRun {
  readonly secret: MakeSecret;
  readonly claim: string;
  /** Where sets are fetched to. */
  readonly fetched: string;
  /** What all of its tasks have. */
  readonly common: Pick<FetchTask, 'policy' | 'subject' | 'claim' | 'deadlineSeconds'>;
  /** What those have that reach the repository. */
  readonly remote: Pick<FetchTask, 'cluster' | 'repository'>;
  readonly decryption: FetchTask['decryption'];
  /** Runs a container to its end; `watch` is counted as its scratch space too. */
  run(container: ContainerName, task: Unplaced, watch?: readonly string[]): Promise<{ cost: Cost; result: Result }>;
  backUp(source: DumpSource): Promise<void>;
  verify(sandbox: Sandbox): Promise<{ result: Result; fetch: Cost; verify: Cost; fetchedBytes: number }>;
  stop(): Promise<void>;
}

/** A task before it is known where its scratch space is. */
export type Unplaced = AgentTask extends infer Task ? (Task extends AgentTask ? Omit<Task, 'scratch'> : never) : never;

const deadlineSeconds = 7200;

export const makePolicyRun = async (place: Place, name: string, agent: string): Promise<PolicyRun> => {
  const home = join(place.path, name);
  const claim = join(home, 'claim');
  const fetched = join(home, 'fetched');
  const parent = place.onHost(name);
  await mkdir(claim, { recursive: true });
  await mkdir(fetched);
  await mkdir(parent);
  const owner = await makeGpgOwner(place.path, `o-${name}`);
  const secret = secretsIn(home);
  const ssh = await secret('ssh', { 'ssh-privatekey': place.privateKey });
  const publicKey = { directory: await secret('public', { 'public.asc': owner.publicKey }), secret: 'public' };
  const privateKey = { directory: await secret('private', { 'private.asc': owner.privateKey }), secret: 'private' };
  const decryption = { method: 'gpg', privateKey } as const;
  const common = { policy: { namespace: 'shop', name }, subject, claim, deadlineSeconds };
  const remote = {
    cluster: 'a-cluster',
    repository: {
      rsync: {
        host: place.host,
        port: place.port,
        user: place.user,
        path: parent,
        knownHosts: place.knownHosts,
        key: { directory: ssh, secret: 'ssh' },
      },
    },
  } satisfies Pick<FetchTask, 'cluster' | 'repository'>;
  const run: PolicyRun['run'] = async (container, task, watch = []) => {
    const message = join(home, 'result');
    await writeFile(message, '');
    const scratch = join(place.path, `${name.slice(0, 1)}-${container.slice(0, 1)}`);
    const cost = await place.run(scratch, [process.execPath, agent, container], {
      environment: {
        [taskVariable]: JSON.stringify({ ...task, scratch }),
        [jobVariable]: `${name}-${task.kind.toLowerCase()}`,
        HOLDFAST_TERMINATION_LOG: message,
      },
      watch,
    });
    return { cost, result: resultSchema.parse(JSON.parse(await readFile(message, 'utf8'))) };
  };
  return {
    secret,
    claim,
    fetched,
    common,
    remote,
    decryption,
    run,
    async backUp(source) {
      await run('dump', { ...common, kind: 'Full', keep: 1, source });
      await run('ship', {
        ...common,
        ...remote,
        kind: 'Full',
        adopt: false,
        encryption: { method: 'gpg', publicKey },
      });
    },
    async verify(sandbox) {
      const fetch = await run('fetch', {
        ...common,
        ...remote,
        kind: 'Verify',
        decryption,
        points: 'Latest',
        fetched,
      });
      const fetchedBytes = await bytesBelow(fetched);
      const verify = await run('verify', {
        ...common,
        kind: 'Verify',
        sandbox,
        fetched,
        queries: [],
        startSeconds: 60,
      });
      return { result: verify.result, fetch: fetch.cost, verify: verify.cost, fetchedBytes };
    },
    stop: owner.stop,
  };
};
