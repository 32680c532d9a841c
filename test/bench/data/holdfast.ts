import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { claimLayout } from '../../../src/agent/layout.ts';
import { ledger as ledgerSchema, type Ledger } from '../../../src/agent/ledger.ts';
import { result as resultSchema } from '../../../src/api/v1alpha1/result.ts';
import { jobVariable, taskVariable, type DumpTask, type ShipTask } from '../../../src/api/v1alpha1/task.ts';
import { makeGpgOwner } from '../../agent/support/duplicity-gpg.ts';
import type { MariadbServer } from '../../agent/support/mariadb.ts';
import { projectRoot } from '../../cluster/paths.ts';
import { createAccount } from './account.ts';
import { database } from './database.ts';
import type { Place, Way } from './place.ts';
import { secretsIn } from './secrets.ts';
import { subject } from '../../support/subject.ts';

const deadlineSeconds = 3600;

/** The agent as its images run it: one bundled file. */
export const compileAgent = async (): Promise<string> => {
  await execa('npm', ['run', '--silent', 'build'], { cwd: projectRoot });
  return join(projectRoot, 'dist/agent/main.mjs');
};

/** A policy's dump and ship containers, as processes. */
export const makeHoldfast = async (
  place: Place,
  server: MariadbServer,
  agent: string,
): Promise<Way & { stop(): Promise<void> }> => {
  const home = join(place.path, 'holdfast');
  const claim = join(home, 'claim');
  const layout = claimLayout(claim);
  const parent = place.onHost('holdfast');
  const policy = { namespace: 'shop', name: database };
  await mkdir(claim, { recursive: true });
  await mkdir(parent);
  const account = await createAccount(server);
  const owner = await makeGpgOwner(place.path, 'o');
  const secret = secretsIn(home);
  const mounts = {
    account: await secret('account', account),
    ssh: await secret('ssh', { 'ssh-privatekey': place.privateKey }),
    gpg: await secret('gpg', { 'public.asc': owner.publicKey }),
  };
  const scratch = { dump: join(place.path, 'd'), ship: join(place.path, 's') };
  const kindOf = (day: number): ShipTask['kind'] => (day === 0 ? 'Full' : 'Incremental');
  const dumpTask = (day: number): DumpTask => ({
    kind: kindOf(day),
    policy,
    claim,
    scratch: scratch.dump,
    subject,
    deadlineSeconds,
    keep: 1,
    source: {
      mysql: {
        host: server.host,
        port: server.port,
        databases: [database],
        credentials: mounts.account,
        credentialsSecret: 'account',
      },
    },
  });
  const shipTask = (day: number): ShipTask => ({
    kind: kindOf(day),
    policy,
    claim,
    scratch: scratch.ship,
    subject,
    deadlineSeconds,
    cluster: 'a-cluster',
    repository: {
      rsync: {
        host: place.host,
        port: place.port,
        user: place.user,
        path: parent,
        knownHosts: place.knownHosts,
        key: { directory: mounts.ssh, secret: 'ssh' },
      },
    },
    adopt: false,
    encryption: { method: 'gpg', publicKey: { directory: mounts.gpg, secret: 'gpg' } },
  });
  const run = async (container: 'dump' | 'ship', day: number, task: DumpTask | ShipTask) => {
    const message = join(home, 'result');
    await writeFile(message, '');
    const cost = await place.run(scratch[container], [process.execPath, agent, container], {
      environment: {
        [taskVariable]: JSON.stringify(task),
        [jobVariable]: `day-${day}`,
        HOLDFAST_TERMINATION_LOG: message,
      },
      watch: [layout.archive],
    });
    const { notes } = resultSchema.parse(JSON.parse(await readFile(message, 'utf8')));
    // A full in the place of an incremental would be measured as one.
    if (notes.length > 0) throw new Error(`${container} on day ${day}: ${JSON.stringify(notes)}`);
    return cost;
  };
  const ledger = async (): Promise<Ledger> => ledgerSchema.parse(JSON.parse(await readFile(layout.ledger, 'utf8')));
  const shipped = join(home, 'shipped');
  return {
    stored: parent,
    source: () => shipped,
    async backup(day) {
      const dump = await run('dump', day, dumpTask(day));
      const { result: ship, sentBytes } = await place.counted(() => run('ship', day, shipTask(day)));
      const copy = (await ledger()).copies.at(-1);
      await rm(shipped, { recursive: true, force: true });
      await mkdir(shipped);
      for (const { name } of copy?.files ?? [])
        await link(join(layout.copies, copy?.name ?? '', name), join(shipped, name));
      return { day, dump, ship, sentBytes };
    },
    async restore(day, target, own) {
      const chain = (await ledger()).chains.at(-1);
      const url = `rsync://${place.user}@${place.host}:${place.port}/${parent}/shop/${database}/${chain?.directory}`;
      const time = chain?.sets[day]?.setTime;
      return place.run(
        own,
        ['duplicity', 'restore', `--ssh-options=${place.sshOptions}`, `--time=${time}`, url, target],
        { environment: { PASSPHRASE: '', GNUPGHOME: owner.home } },
      );
    },
    stop: owner.stop,
  };
};
