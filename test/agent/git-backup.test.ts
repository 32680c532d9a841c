import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ShipTask } from '../../src/api/v1alpha1/task.ts';
import { outcomeOf, runAgent } from './support/agent.ts';
import { makeDirectory } from './support/directories.ts';
import { duplicityDirectory, plainRestore } from './support/duplicity.ts';
import { makeGpgOwner, type GpgOwner } from './support/duplicity-gpg.ts';
import { bySsh, makeGitBench, type GitBench } from './support/git-bench.ts';
import {
  addOddities,
  commit,
  contentOf,
  git,
  makeRepository,
  publish,
  restoreCopy,
  serve,
} from './support/git-repository.ts';
import { startBackupHost, type BackupHost } from './support/ssh.ts';
import { readDigests } from './support/duplicity-bench.ts';
import { runRestorePage } from '../support/restore-page.ts';
import { subject } from '../support/subject.ts';

let host: BackupHost;
let place: Awaited<ReturnType<typeof makeDirectory>>;
let owner: GpgOwner;
let bench: GitBench;

beforeAll(async () => {
  host = await startBackupHost();
  place = await makeDirectory();
  owner = await makeGpgOwner(place.path, 'o');
  bench = await makeGitBench((files) => bySsh(host, join(place.path, 'srv/ops/ansible.git'), files));
}, 120_000);
afterAll(async () => {
  await bench?.remove();
  await owner?.stop();
  await place?.remove();
  await host?.stop();
});

const repository = (): string => join(host.directory, 'ops', 'ansible');

const shipTask = async (kind: ShipTask['kind']): Promise<ShipTask> => ({
  kind,
  policy: { namespace: 'ops', name: 'ansible' },
  claim: bench.files.claim,
  scratch: bench.files.scratch,
  subject,
  deadlineSeconds: 120,
  cluster: 'a-cluster',
  repository: {
    rsync: {
      host: host.host,
      port: host.port,
      user: host.user,
      path: host.directory,
      knownHosts: host.knownHosts(),
      key: { directory: await bench.files.secret('ssh', { 'ssh-privatekey': host.key.privateKey }), secret: 'ssh' },
    },
  },
  adopt: false,
  encryption: {
    method: 'gpg',
    publicKey: { directory: await bench.files.secret('gpg', { 'public.asc': owner.publicKey }), secret: 'gpg' },
  },
});

/** One run as its pod does it: the dump container, then the one that ships. */
const backUp = async (kind: ShipTask['kind'], jobName: string): Promise<void> => {
  expect(outcomeOf(await bench.dump({ jobName, task: { kind } }))).toBe('Succeeded');
  const ship = await runAgent('ship', await shipTask(kind), { jobName, programs: await duplicityDirectory() });
  expect([outcomeOf(ship), ship.result.made]).toEqual(['Succeeded', kind]);
};

/** The files that a checkout of a repository has, git's own aside. */
const checkout = async (bare: string, target: string): Promise<Record<string, string>> => {
  await git(place.path, ['clone', '--quiet', bare, target]);
  return Object.fromEntries(Object.entries(await readDigests(target)).filter(([file]) => !file.startsWith('.git/')));
};

test('a full and two incrementals come back by plain duplicity and plain git, each as the repository was', async () => {
  const tree = join(place.path, 'tree');
  const served = join(place.path, 'srv/ops/ansible.git');
  await makeRepository(tree, { commits: 40 });
  await addOddities(tree);
  await serve(tree, served);
  const kept = (number: number): string => join(place.path, `as-it-was-${number}.git`);

  await backUp('Full', 'job-1');
  await cp(served, kept(0), { recursive: true });

  // Nothing but the way in which the server keeps it.
  await git(served, ['repack', '-a', '-d', '-f', '--depth=2']);
  await backUp('Incremental', 'job-2');
  await cp(served, kept(1), { recursive: true });

  await commit(tree, { 'roles/role-1/tasks/main.yml': '- name: changed\n', 'roles/new/main.yml': '- name: new\n' });
  await git(tree, ['branch', 'feature']);
  await git(tree, ['branch', '--delete', '--force', 'staging']);
  await git(tree, ['tag', '--annotate', '--message', 'Second', 'v2']);
  await publish(tree, served);
  await backUp('Incremental', 'job-3');
  await cp(served, kept(2), { recursive: true });

  const { chains } = await bench.ledger();
  expect(chains).toHaveLength(1);
  const sets = chains[0]?.sets ?? [];
  expect(sets).toHaveLength(3);
  // An unchanged repository costs next to nothing, a commit little.
  const [full = 0, same = 0, changed = 0] = sets.map(({ sentBytes }) => sentBytes);
  expect(full).toBeGreaterThan(3_000_000);
  expect(same).toBeLessThan(20_000);
  expect(changed).toBeLessThan(full / 20);

  for (const [index, { setTime }] of sets.entries()) {
    const data = join(place.path, `data-${index}`);
    await plainRestore({
      chain: join(repository(), chains[0]?.directory ?? ''),
      target: data,
      scratch: place.path,
      time: setTime,
      encrypted: true,
      gpgHome: owner.home,
    });
    const restored = await restoreCopy(data, join(place.path, `restored-${index}.git`));
    const expected = await contentOf(kept(index));
    expect(await contentOf(restored)).toEqual(expected);
    expect(await checkout(restored, join(place.path, `tree-${index}`))).toEqual(
      await checkout(kept(index), join(place.path, `expected-${index}`)),
    );
    const facts = JSON.parse(await readFile(join(data, 'facts.json'), 'utf8')) as {
      refs: { name: string; object: string }[];
    };
    expect(facts.refs.map(({ name, object }) => `${name} ${object}`)).toEqual(
      expected.refs.split('\n').map((line) => line.split(' ').slice(0, 2).join(' ')),
    );
  }

  // The commands of docs/restore-by-hand.md, as they stand there.
  const printed = await runRestorePage({
    backupHost: {
      host: host.host,
      port: host.port,
      user: host.user,
      directory: repository(),
      key: host.key.privateKey,
      knownHosts: host.knownHosts(),
    },
    gpgPrivateKey: owner.privateKey,
    engine: 'a git repository',
    load: {},
    async look(work) {
      expect(await contentOf(join(work, 'repository.git'))).toEqual(await contentOf(kept(2)));
      expect((await readDigests(join(work, 'tree')))['roles/new/main.yml']).toBeDefined();
    },
  });
  const { objectsDigest } = await bench.facts();
  expect(printed).toContain(`${objectsDigest}  -`);
}, 300_000);
