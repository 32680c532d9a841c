import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { claimLayout } from '../../src/agent/layout.ts';
import { duplicityDirectory } from './support/duplicity.ts';
import { digests, readDigests, type FetchOptions, type ShipRun } from './support/duplicity-bench.ts';
import { freePort } from './support/ports.ts';
import { processesOf, waitFor } from './support/processes.ts';
import { expectNothingLeft, flipBit, makeShippedBench, type ShippedBench } from './support/shipped-bench.ts';
import { withSmallDisk } from './support/small-disk.ts';
import { makeKeyPair } from './support/ssh.ts';
import { startCuttingProxy } from './support/ssh-proxy.ts';
import { notVerified, verificationOf } from './support/verification.ts';

// What is whole but cannot be fetched is neither verified nor damaged; and a tool that lies is found out. One chain of two sets.

let on: ShippedBench;

beforeAll(async () => {
  on = await makeShippedBench({ kinds: ['Full', 'Incremental'] });
}, 240_000);
afterAll(() => on.stop());
beforeEach(() => on.reset());

/** What a run came to, and what is held against the chain. */
const came = async (run: ShipRun): Promise<object> => ({
  ...verificationOf(run),
  held: (await on.bench.ledger()).chains.flatMap(({ problem, damaged }) => [problem, damaged].filter(Boolean)),
});

/** A run that could not be carried out: nothing is held against the chain. */
const couldNot = (reason: string): object => ({ ...notVerified('CouldNotVerify', reason), held: [] });

const expectFetched = async (run: ShipRun): Promise<void> => {
  expect([run.exitCode, run.result.failure]).toEqual([0, undefined]);
  expect(await readDigests(join(on.bench.fetched, 'latest'))).toEqual(digests(on.copies.at(-1) ?? {}));
};

describe('the way there', () => {
  test('a backup host that is not there', async () => {
    const port = await freePort();
    const run = await on.bench.fetch({ rsync: { port, knownHosts: on.repository.host.knownHosts(port) } });
    expect(await came(run)).toEqual(couldNot('RepositoryUnreachable'));
    await expectNothingLeft(on.bench);
  }, 60_000);

  test('another host key', async () => {
    const { publicKey } = await makeKeyPair(on.bench.path, 'other-host');
    const knownHosts = `[127.0.0.1]:${on.repository.host.port} ${publicKey}`;
    expect(await came(await on.bench.fetch({ rsync: { knownHosts } }))).toEqual(couldNot('HostKeyMismatch'));
  }, 60_000);

  test('another SSH key', async () => {
    const { privateKey } = await makeKeyPair(on.bench.path, 'other-client');
    const key = await on.bench.secret('other-key', { 'ssh-privatekey': privateKey });
    expect(await came(await on.bench.fetch({ rsync: { key } }))).toEqual(couldNot('KeyRefused'));
  }, 60_000);

  test('the connection breaks while volumes are on their way', async () => {
    const proxy = await startCuttingProxy(on.repository.host.port, { count: 'received' });
    try {
      proxy.cutAfter(700_000);
      const rsync = { port: proxy.port, knownHosts: on.repository.host.knownHosts(proxy.port) };
      // A proxy at another port is another repository: the ledger has to know it by that.
      const { ledger } = claimLayout(on.bench.claim);
      const known = await on.bench.ledger();
      const repository = on.bench.repositoryId.replace(`:${on.repository.host.port}`, `:${proxy.port}`);
      await writeFile(
        ledger,
        JSON.stringify({ ...known, chains: known.chains.map((chain) => ({ ...chain, repository })) }),
      );
      const run = await on.bench.fetch({ rsync });
      expect(await came(run)).toEqual(couldNot('ConnectionLost'));
      expect(run.result.failure?.step).toBe('Fetch');
      expect(run.result.verification?.latest.set?.chain).toBe(on.chains[0]);
      await expectNothingLeft(on.bench);
    } finally {
      await proxy.stop();
    }
  }, 90_000);

  test('too little space: said before anything is fetched, with what is needed', async () => {
    const fetched = join(on.bench.path, 'small');
    await withSmallDisk(fetched, '3m', async () => {
      const run = await on.bench.fetch({ fetched });
      expect(await came(run)).toEqual(couldNot('SandboxTooSmall'));
      expect(run.result.failure?.message).toMatch(
        /has 3\.0 MiB free, and needs 3\.8 MiB: 1\.3 MiB for the fetched backup, 2\.5 MiB for the server/,
      );
      expect(run.log).not.toContain('a set is fetched');
    });
  }, 60_000);

  test('the disk is full on the way', async () => {
    const { ledger } = claimLayout(on.bench.claim);
    const known = await on.bench.ledger();
    const sets = (chain: (typeof known.chains)[number]) => chain.sets.map((set) => ({ ...set, sourceBytes: 1000 }));
    await writeFile(
      ledger,
      JSON.stringify({ ...known, chains: known.chains.map((chain) => ({ ...chain, sets: sets(chain) })) }),
    );
    const fetched = join(on.bench.path, 'small');
    await withSmallDisk(fetched, '2600k', async () => {
      const run = await on.bench.fetch({ fetched });
      expect(await came(run)).toEqual(couldNot('SandboxTooSmall'));
      expect(await readdir(fetched)).toEqual([]);
    });
  }, 60_000);

  test('no set that is known to be whole, another cluster’s directory', async () => {
    expect(await came(await on.bench.fetch({ cluster: 'another' }))).toEqual(couldNot('RepositoryOwnedByAnother'));
    await rm(claimLayout(on.bench.claim).ledger);
    const run = await on.bench.fetch();
    expect(verificationOf(run)).toEqual(notVerified('CouldNotVerify', 'NothingToVerify'));
  }, 90_000);

  test('a set that was shipped by a version that recorded no digests of its files', async () => {
    const { ledger } = claimLayout(on.bench.claim);
    const known = await on.bench.ledger();
    const without = known.chains.map((chain) => ({
      ...chain,
      sets: chain.sets.map(({ content: _content, ...set }) => set),
    }));
    await writeFile(ledger, JSON.stringify({ ...known, chains: without }));
    expect(await came(await on.bench.fetch())).toEqual(couldNot('FactsUnknown'));
  }, 60_000);

  test('the repository stays locked', async () => {
    const lock = claimLayout(on.bench.claim).repositoryLock;
    const holder = execa('flock', ['--no-fork', lock, 'sleep', '60']);
    holder.catch(() => undefined);
    await sleep(300);
    expect(await came(await on.bench.fetch({ deadlineSeconds: 6 }))).toEqual(couldNot('AnotherRunActive'));
    holder.kill();
    await holder.catch(() => undefined);
  }, 60_000);
});

describe('signatures, which a restore does not need, but the next incremental may', () => {
  test('a byte of them is another, in the clear', async () => {
    await flipBit(await on.file('-full-signatures'), 3000);
    const run = await on.bench.fetch();
    expect(verificationOf(run)).toEqual(notVerified('Failed', 'BackupDamaged', ['Unknown', 'Failed', 'Unknown']));
    expect(run.result.verification?.latest.checks.readable.evidence).toMatch(/signatures.* cannot be unpacked/);
  }, 60_000);

  test('others in their place, of the size recorded', async () => {
    const { ledger } = claimLayout(on.bench.claim);
    const known = await on.bench.ledger();
    const chains = known.chains.map((chain) => ({
      ...chain,
      sets: chain.sets.map((set, index) => (index === 0 ? { ...set, signaturesDigest: 'a'.repeat(64) } : set)),
    }));
    await writeFile(ledger, JSON.stringify({ ...known, chains }));
    const run = await on.bench.fetch();
    expect(verificationOf(run)).toEqual(notVerified('Failed', 'BackupDamaged', ['Unknown', 'Failed', 'Unknown']));
    expect(run.result.verification?.latest.checks.readable.evidence).toMatch(/are not those that were stored/);
  }, 60_000);
});

test('facts.json is of another time than was recorded: the set is not the one that it should be', async () => {
  const { ledger } = claimLayout(on.bench.claim);
  const known = await on.bench.ledger();
  const chains = known.chains.map((chain) => ({
    ...chain,
    sets: chain.sets.map((set) => ({ ...set, dataTime: '2026-01-09T01:00:03Z' })),
  }));
  await writeFile(ledger, JSON.stringify({ ...known, chains }));
  const run = await on.bench.fetch();
  expect(verificationOf(run)).toEqual(notVerified('Failed', 'BackupDamaged', ['Failed', 'Unknown', 'Unknown']));
  expect(run.result.verification?.latest.checks.created.evidence).toContain('facts.json is of 2026-01-02T01:00:03Z');
}, 60_000);

describe('a duplicity that lies', () => {
  /** A script in the place of duplicity, which has the real one as $REAL and the last argument as $TARGET. */
  const lying = async (script: string): Promise<FetchOptions> => {
    const real = join(await duplicityDirectory(), 'duplicity');
    return {
      programs: await on.bench.program(
        'duplicity',
        `#!/bin/bash\nREAL=${real}\nfor TARGET in "$@"; do :; done\n${script}\nexit 0\n`,
      ),
    };
  };

  test.each([
    { reason: 'it restores nothing', script: ':', says: /agama.sql is missing/ },
    { reason: 'it makes an empty directory', script: 'mkdir "$TARGET"', says: /agama.sql is missing/ },
    {
      reason: 'it restores half of a file',
      script: '"$REAL" "$@"; truncate --size=600000 "$TARGET/agama/agama.sql"',
      says: /agama.sql has 600000 bytes instead of/,
    },
    {
      reason: 'it leaves a file out',
      script: '"$REAL" "$@"; rm "$TARGET/facts.json"',
      says: /facts.json is missing/,
    },
    {
      reason: 'it restores an older set',
      script:
        'ARGS=(); for A in "$@"; do case $A in --time=*) ;; *) ARGS+=("$A");; esac; done; "$REAL" "${ARGS[@]:0:1}" --time=2001-01-01T00:00:00Z "${ARGS[@]:1}"',
      says: /agama.sql has another SHA-256/,
    },
    {
      reason: 'it adds a file',
      script: '"$REAL" "$@"; echo x > "$TARGET/more"',
      says: /3 of 2 files came out/,
    },
  ])(
    '$reason, and ends with 0',
    async ({ script, says }) => {
      const run = await on.bench.fetch(await lying(script));
      expect(verificationOf(run)).toEqual(notVerified('Failed', 'BackupDamaged', ['Unknown', 'Unknown', 'Failed']));
      expect(run.result.verification?.latest.checks.complete.evidence).toMatch(says);
      await expectNothingLeft(on.bench);
    },
    90_000,
  );

  test('it fails for a cause of its own, and every file is as it was stored: nothing is held against the backup', async () => {
    const run = await on.bench.fetch(await lying('echo "something broke" >&2; exit 30'));
    expect(await came(run)).toEqual(couldNot('ArchiveToolFailed'));
    expect(run.log).toContain('every file of the set is looked at');
  }, 90_000);
});

describe('stopped on the way', () => {
  /** duplicity waits here, as long as it is not told to go on. */
  const hanging = async (): Promise<string> => on.bench.program('duplicity', '#!/bin/sh\nexec sleep 300\n');
  const moments: readonly { moment: string; reached: (log: string) => boolean; programs?: () => Promise<string> }[] = [
    { moment: 'as it begins', reached: (log) => log.includes('step Prepare') },
    { moment: 'while it lists', reached: (log) => log.includes('step Connect') },
    { moment: 'while it fetches', reached: (log) => log.includes('a set is fetched') },
    { moment: 'while duplicity hangs', reached: (log) => log.includes('a set is fetched'), programs: hanging },
  ];

  test.each(moments)(
    'SIGTERM $moment: it says so, and leaves nothing',
    async ({ reached, programs }) => {
      const options = programs === undefined ? {} : { programs: await programs() };
      const { pid, done, log } = await on.bench.startFetch(options);
      await waitFor('the moment', async () => reached(log()));
      if (programs !== undefined)
        await waitFor('duplicity', async () => (await processesOf('sleep\x00300')).length > 0);
      process.kill(pid, 'SIGTERM');
      expect(await came(await done)).toEqual(couldNot('Interrupted'));
      await expectNothingLeft(on.bench);
    },
    60_000,
  );

  test('the deadline passes: it says so, and leaves nothing', async () => {
    const run = await on.bench.fetch({ programs: await hanging(), deadlineSeconds: 12 });
    expect(await came(run)).toEqual(couldNot('DeadlineExceeded'));
    await expectNothingLeft(on.bench);
  }, 60_000);

  test('SIGKILL at several moments: the next run takes away what is left, and fetches', async () => {
    for (const { reached, programs } of moments) {
      const options = programs === undefined ? {} : { programs: await programs() };
      const { pid, done, log } = await on.bench.startFetch(options);
      await waitFor('the moment', async () => reached(log()));
      process.kill(pid, 'SIGKILL');
      await done.catch(() => undefined);
      // With the pod all its processes end.
      for (const each of await processesOf(on.bench.scratch)) {
        try {
          process.kill(each.pid, 'SIGKILL');
        } catch {
          // It ended by itself.
        }
      }
      expect(await readdir(on.bench.fetched).catch(() => [])).not.toContain('fetched.json');
    }
    for (const each of await processesOf(on.bench.path)) {
      try {
        process.kill(each.pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    await expectFetched(await on.bench.fetch());
    expect((await readdir(on.bench.fetched)).toSorted()).toEqual(['fetched.json', 'latest']);
    expect(await readdir(on.bench.scratch)).toEqual([]);
  }, 150_000);
});
