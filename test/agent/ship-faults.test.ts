import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { duplicityDirectory, plainRestore } from './support/duplicity.ts';
import { type Bench, digests, type Files, makeBench, readDigests, type ShipRun } from './support/duplicity-bench.ts';
import { makeGpgOwner } from './support/duplicity-gpg.ts';
import { freePort } from './support/ports.ts';
import { type BackupHost, makeKeyPair, startBackupHost } from './support/ssh.ts';
import { startCuttingProxy } from './support/ssh-proxy.ts';

let host: BackupHost;
let bench: Bench;

beforeAll(async () => {
  host = await startBackupHost();
  await duplicityDirectory();
}, 120_000);

afterAll(() => host.stop());

beforeEach(async () => {
  bench = await makeBench(host);
});

afterEach(() => bench.remove());

const small = (text: string): Files => ({ 'agama/agama.sql': Buffer.from(`${text}\n`.repeat(500)) });
const base = randomBytes(2_200_000);
/** Of several volumes, and random so that they are as large as the data. */
const large = (text: string): Files => ({ 'agama/agama.sql': Buffer.concat([base, Buffer.from(text)]) });

/** How a run failed. Nothing may be recorded as done by it: no set, no copy shipped. */
const failureOf = async ({ exitCode, result }: ShipRun): Promise<object> => {
  const { chains, copies, runs } = await bench.ledger();
  const job = runs.at(-1)?.jobName;
  return {
    exitCode,
    outcome: result.outcome,
    made: result.made,
    step: result.failure?.step,
    reason: result.failure?.reason,
    recorded: runs.at(-1)?.failure?.reason,
    sets: chains.flatMap(({ sets }) => sets).filter(({ jobName }) => jobName === job),
    shippedAs: copies.at(-1)?.shippedAs,
  };
};

const failed = (step: string, reason: string): object => ({
  exitCode: 1,
  outcome: 'Failed',
  made: undefined,
  step,
  reason,
  recorded: reason,
  sets: [],
  shippedAs: undefined,
});

/** What a run made and the reasons of its notes, or the reason and message of its failure. */
const madeBy = ({ result }: ShipRun): unknown[] =>
  result.failure
    ? [result.failure.reason, result.failure.message]
    : [result.made, ...result.notes.map(({ reason }) => reason)];

/** Restores the newest set of the newest chain without Holdfast's help. */
const restored = async (chainIndex = -1, time?: string): Promise<Record<string, string>> => {
  const directory = (await bench.ledger()).chains.at(chainIndex)?.directory ?? '';
  const target = join(bench.path, `restored-${process.hrtime.bigint()}`);
  await plainRestore({
    chain: join(bench.repository, directory),
    target,
    scratch: bench.path,
    encrypted: false,
    ...(time !== undefined && { time }),
  });
  return readDigests(target);
};

describe('before anything is sent', () => {
  test('a backup host that is not there', async () => {
    await bench.addCopy(small('a'));
    const port = await freePort();
    const run = await bench.ship({ repository: { port, knownHosts: host.knownHosts(port) } });
    expect(await failureOf(run)).toEqual(failed('Connect', 'RepositoryUnreachable'));
    expect(run.result.failure?.message).toContain('Connection refused');
  });

  test('another host key', async () => {
    await bench.addCopy(small('a'));
    const { publicKey } = await makeKeyPair(bench.path, 'other');
    const knownHosts = `[127.0.0.1]:${host.port} ${publicKey}`;
    expect(await failureOf(await bench.ship({ repository: { knownHosts } }))).toEqual(
      failed('Connect', 'HostKeyMismatch'),
    );
  });

  test('another SSH key', async () => {
    await bench.addCopy(small('a'));
    const { privateKey } = await makeKeyPair(bench.path, 'other');
    const key = await bench.secret('other-key', { 'ssh-privatekey': privateKey });
    expect(await failureOf(await bench.ship({ repository: { key } }))).toEqual(failed('Connect', 'KeyRefused'));
  });

  test('an account that may not write there', async () => {
    await bench.addCopy(small('a'));
    const { privateKey, publicKey } = await makeKeyPair(bench.path, 'other');
    await host.authorize(publicKey, 'setpriv --reuid 65532 --regid 65532 --clear-groups sh -c "$SSH_ORIGINAL_COMMAND"');
    const key = await bench.secret('other-key', { 'ssh-privatekey': privateKey });
    expect(await failureOf(await bench.ship({ repository: { key } }))).toEqual(
      failed('Connect', 'RepositoryNotWritable'),
    );
  });

  test('an account without rsync', async () => {
    await bench.addCopy(small('a'));
    const { privateKey, publicKey } = await makeKeyPair(bench.path, 'other');
    await host.authorize(publicKey, 'echo This account is currently not available.');
    const key = await bench.secret('other-key', { 'ssh-privatekey': privateKey });
    expect(await failureOf(await bench.ship({ repository: { key } }))).toEqual(failed('Connect', 'RsyncUnavailable'));
  });

  test('Secrets that are missing or of no use', async () => {
    await bench.addCopy(small('a'));
    const nowhere = { directory: join(bench.path, 'nowhere'), secret: 'nowhere' };
    const garbage = await bench.secret('garbage', { 'ssh-privatekey': 'x', 'public.asc': 'x', password: '\n' });
    const cases = [
      { options: { repository: { key: nowhere } }, reason: 'SecretMissing' },
      { options: { repository: { key: garbage } }, reason: 'SecretInvalid' },
      { options: { encryption: { method: 'gpg', publicKey: nowhere } }, reason: 'SecretMissing' },
      { options: { encryption: { method: 'gpg', publicKey: garbage } }, reason: 'SecretInvalid' },
      { options: { encryption: { method: 'passphrase', passphrase: nowhere } }, reason: 'SecretMissing' },
      { options: { encryption: { method: 'passphrase', passphrase: garbage } }, reason: 'SecretInvalid' },
    ] as const;
    for (const { options, reason } of cases)
      expect(await failureOf(await bench.ship(options))).toEqual(failed('Prepare', reason));
  }, 60_000);

  test.each([
    { reason: 'an expired key', options: { madeAt: '20200101T000000', expires: '1y' } },
    { reason: 'a key that only signs', options: { usage: 'sign' } },
  ] as const)('$reason', async ({ options }) => {
    await bench.addCopy(small('a'));
    const owner = await makeGpgOwner(bench.path, 'o', options);
    await owner.stop();
    const publicKey = await bench.secret('gpg', { 'public.asc': owner.publicKey });
    expect(await failureOf(await bench.ship({ encryption: { method: 'gpg', publicKey } }))).toEqual(
      failed('Prepare', 'KeyUnusable'),
    );
  });

  test('a private key in the place of the public one', async () => {
    await bench.addCopy(small('a'));
    const owner = await makeGpgOwner(bench.path, 'o');
    await owner.stop();
    const publicKey = await bench.secret('gpg', { 'public.asc': owner.privateKey });
    const run = await bench.ship({ encryption: { method: 'gpg', publicKey } });
    expect(await failureOf(run)).toEqual(failed('Prepare', 'SecretInvalid'));
    expect(run.result.failure?.message).toContain('private key');
  });

  test('a local copy that is missing, was changed, or was shipped already', async () => {
    expect(await failureOf(await bench.ship())).toEqual(failed('Prepare', 'LocalCopyMissing'));
    const name = await bench.addCopy(small('a'));
    const file = join(bench.claim, 'copies', name, 'agama/agama.sql');
    const content = await readFile(file);
    await writeFile(file, Buffer.concat([Buffer.from('b'), content.subarray(1)]));
    expect(await failureOf(await bench.ship())).toEqual(failed('Prepare', 'LocalCopyDamaged'));
    await truncate(file, 10);
    expect(await failureOf(await bench.ship())).toEqual(failed('Prepare', 'LocalCopyDamaged'));
    await rm(file);
    expect(await failureOf(await bench.ship())).toEqual(failed('Prepare', 'LocalCopyMissing'));
    await writeFile(file, content);
    expect(madeBy(await bench.ship())).toEqual(['Full']);
    const again = await bench.ship({ kind: 'Incremental' });
    expect(again.result.failure).toMatchObject({ step: 'Prepare', reason: 'LocalCopyMissing' });
    expect((await bench.ledger()).chains[0]?.sets).toHaveLength(1);
  }, 90_000);

  test('the claim stays locked', async () => {
    await bench.addCopy(small('a'));
    const lock = join(bench.claim, 'locks/repository');
    await execa('mkdir', ['-p', join(bench.claim, 'locks')]);
    const holder = execa('flock', ['--no-fork', lock, 'sleep', '60']);
    holder.catch(() => undefined);
    while (!(await stat(lock).catch(() => undefined))) await sleep(20);
    await sleep(200);
    expect(await failureOf(await bench.ship({ deadlineSeconds: 4 }))).toEqual(failed('Lock', 'AnotherRunActive'));
    holder.kill();
    await holder.catch(() => undefined);
  }, 60_000);

  test('a directory of another cluster, until it is adopted', async () => {
    await bench.addCopy(small('a'));
    expect(madeBy(await bench.ship({ cluster: 'other' }))).toEqual(['Full']);
    await bench.addCopy(small('b'));
    const run = await bench.ship({ kind: 'Incremental' });
    expect(await failureOf(run)).toEqual(failed('Repository', 'RepositoryOwnedByAnother'));
    expect(run.result.failure?.message).toContain('other');
    expect(madeBy(await bench.ship({ kind: 'Incremental', adopt: true }))).toEqual(['Incremental']);
    const marker: unknown = JSON.parse(await readFile(join(bench.repository, 'holdfast-owner.json'), 'utf8'));
    expect(marker).toEqual({ cluster: 'a-cluster', namespace: 'shop', name: 'agama' });
  }, 90_000);

  test('another passphrase than the repository was written with', async () => {
    await bench.addCopy(small('a'));
    const encryption = async (password: string) =>
      ({ method: 'passphrase', passphrase: await bench.secret('passphrase', { password }) }) as const;
    expect(madeBy(await bench.ship({ encryption: await encryption('first words') }))).toEqual(['Full']);
    await bench.addCopy(small('b'));
    for (const kind of ['Incremental', 'Full'] as const) {
      const run = await bench.ship({ kind, encryption: await encryption('other words') });
      expect(await failureOf(run)).toEqual(failed('Repository', 'WrongPassphrase'));
      expect(run.log).not.toContain('other words');
    }
    expect(await bench.chains()).toHaveLength(1);
  }, 90_000);
});

describe('a chain that cannot be continued', () => {
  test('an incremental without a chain is a full, and says so', async () => {
    await bench.addCopy(small('a'));
    expect(madeBy(await bench.ship({ kind: 'Incremental' }))).toEqual(['Full', 'FullInsteadOfIncremental']);
  }, 60_000);

  test.each([
    { what: 'deleted', spoil: (file: string) => rm(file) },
    { what: 'cut off', spoil: (file: string) => truncate(file, 100) },
  ])(
    'a volume is $what: a full in a chain of its own, and the old one is never green again',
    async ({ spoil }) => {
      await bench.addCopy(small('a'));
      expect(madeBy(await bench.ship())).toEqual(['Full']);
      const [directory = ''] = await bench.chains();
      const names = await readdir(join(bench.repository, directory));
      const volume = names.find((name) => name.includes('.vol1.')) ?? '';
      await spoil(join(bench.repository, directory, volume));
      await bench.addCopy(small('b'));
      const run = await bench.ship({ kind: 'Incremental' });
      expect(madeBy(run)).toEqual(['Full', 'ChainBroken']);
      expect(run.result.notes[0]?.message).toContain(volume);
      const { chains } = await bench.ledger();
      expect(chains.map(({ problem, sets }) => [problem?.includes(volume), sets.length])).toEqual([
        [true, 1],
        [undefined, 1],
      ]);
      expect(await restored()).toEqual(digests(small('b')));
    },
    90_000,
  );

  test('another encryption begins a new chain', async () => {
    await bench.addCopy(small('a'));
    expect(madeBy(await bench.ship())).toEqual(['Full']);
    await bench.addCopy(small('b'));
    const passphrase = await bench.secret('passphrase', { password: 'words' });
    const encryption = { method: 'passphrase', passphrase } as const;
    expect(madeBy(await bench.ship({ kind: 'Incremental', encryption }))).toEqual(['Full', 'FullInsteadOfIncremental']);
    expect((await bench.ledger()).chains.map(({ encryption }) => encryption)).toEqual(['none', 'passphrase']);
  }, 90_000);

  test('the archive-dir is lost', async () => {
    await bench.addCopy(small('a'));
    expect(madeBy(await bench.ship())).toEqual(['Full']);
    await rm(join(bench.claim, 'archive'), { recursive: true });
    await bench.addCopy(small('b'));
    expect(madeBy(await bench.ship({ kind: 'Incremental' }))).toEqual(['Full', 'FullInsteadOfIncremental']);
  }, 90_000);
});

/** Waits for the line of a volume on its way in the log of a run. */
const waitFor = async (what: string, reached: () => Promise<boolean>): Promise<void> => {
  for (let attempt = 0; attempt < 1500; attempt += 1) {
    if (await reached()) return;
    await sleep(20);
  }
  throw new Error(`waited in vain for ${what}`);
};

const processesOf = async (text: string): Promise<{ pid: number; command: string }[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(
    pids.map(async (pid) => ({
      pid: Number(pid),
      command: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
    })),
  );
  return all.filter(({ command }) => command.includes(text));
};

describe('cut short during the upload', () => {
  const volumes = async (): Promise<number> => {
    const [directory] = (await bench.chains()).toReversed();
    const names = directory === undefined ? [] : await readdir(join(bench.repository, directory));
    return names.filter((name) => name.startsWith('duplicity-') && name.includes('.vol')).length;
  };

  /** SIGKILL for the agent and all it started, when the repository holds more volumes than before. */
  const killWhile = async (kind: 'Full' | 'Incremental', reached: () => Promise<boolean>): Promise<void> => {
    const { pid, done } = await bench.start({ kind });
    await waitFor('a volume in the repository', reached);
    process.kill(pid, 'SIGKILL');
    await done.catch(() => undefined);
    for (const each of await processesOf(bench.scratch)) {
      try {
        process.kill(each.pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
  };

  test('SIGKILL in a full and in an incremental: nothing of them counts, later ones work, old sets restore', async () => {
    await bench.addCopy(large('a'));
    await killWhile('Full', async () => (await volumes().catch(() => 0)) >= 1);
    expect((await bench.ledger()).chains).toEqual([]);
    await sleep(1000);
    expect(madeBy(await bench.ship())).toEqual(['Full', 'PartialSetRemoved']);
    expect(await bench.chains()).toHaveLength(1);

    const { chains } = await bench.ledger();
    const time = chains[0]?.sets[0]?.setTime;
    const other: Files = { 'agama/agama.sql': randomBytes(2_200_000) };
    await bench.addCopy(other);
    const before = await volumes();
    await killWhile('Incremental', async () => (await volumes()) > before);
    expect((await bench.ledger()).chains[0]?.sets).toHaveLength(1);
    expect(madeBy(await bench.ship({ kind: 'Incremental' }))).toEqual(['Incremental', 'PartialSetRemoved']);
    expect(await restored()).toEqual(digests(other));
    expect(await restored(-1, time)).toEqual(digests(large('a')));
  }, 150_000);

  test('the connection breaks', async () => {
    const proxy = await startCuttingProxy(host.port);
    try {
      await bench.addCopy(large('a'));
      proxy.cutAfter(1_500_000);
      const run = await bench.ship({ repository: { port: proxy.port, knownHosts: host.knownHosts(proxy.port) } });
      expect(await failureOf(run)).toEqual(failed('Upload', 'ConnectionLost'));
      expect((await bench.ledger()).chains).toEqual([]);
    } finally {
      await proxy.stop();
    }
  }, 90_000);

  test('the deadline passes', async () => {
    await bench.addCopy(large('a'));
    // A backup host that takes forever: duplicity is held up before it does anything.
    const programs = await bench.program('duplicity', '#!/bin/sh\nexec sleep 300\n');
    expect(await failureOf(await bench.ship({ programs, deadlineSeconds: 12 }))).toEqual(
      failed('Upload', 'DeadlineExceeded'),
    );
    expect((await processesOf(bench.scratch)).map(({ command }) => command)).toEqual([]);
  }, 60_000);
});

describe('disks that are full', () => {
  const mount = async (directory: string, size: string): Promise<void> => {
    await execa('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'holdfast-test', directory]);
  };

  test('the backup host’s', async () => {
    const place = join(host.directory, 'small');
    await execa('mkdir', ['-p', place]);
    await mount(place, '1500k');
    try {
      await bench.addCopy(large('a'));
      const run = await bench.ship({ repository: { path: place } });
      expect(await failureOf(run)).toEqual(failed('Upload', 'RepositoryFull'));
      // What was left there by the full that failed must not keep the next one from fitting.
      await bench.addCopy(small('b'));
      expect(madeBy(await bench.ship({ repository: { path: place } }))).toEqual(['Full', 'PartialSetRemoved']);
    } finally {
      await execa('umount', [place]);
    }
  }, 90_000);

  test('the scratch space', async () => {
    const place = join(bench.path, 'tmpfs');
    await execa('mkdir', [place]);
    await mount(place, '1200k');
    try {
      await bench.addCopy(large('a'));
      expect(await failureOf(await bench.ship({ scratch: place }))).toEqual(failed('Upload', 'OutOfScratchSpace'));
    } finally {
      await execa('gpgconf', ['--homedir', join(place, 'ship/gpg'), '--kill', 'all'], { reject: false });
      await execa('umount', [place]);
    }
  }, 60_000);
});

describe('an archive tool that lies', () => {
  /** Does what the real one does, then something more behind its back. */
  const lying = async (after: string): Promise<string> => {
    const real = join(await duplicityDirectory(), 'duplicity');
    return bench.program(
      'duplicity',
      `#!/bin/sh\n"${real}" "$@"\nstatus=$?\nif [ "$1" != collection-status ]; then ${after}; fi\nexit $status\n`,
    );
  };

  test.each([
    { what: 'half of the volumes', after: (place: string) => `rm -f "${place}"/chain-*/*.vol2.*` },
    { what: 'a shorter volume', after: (place: string) => `truncate --size=-1 "${place}"/chain-*/*.vol2.*` },
    { what: 'no manifest', after: (place: string) => `rm -f "${place}"/chain-*/*.manifest` },
    { what: 'empty signatures', after: (place: string) => `truncate --size=0 "${place}"/chain-*/*.sigtar.gz` },
  ])(
    'status 0, but $what in the repository',
    async ({ after }) => {
      await bench.addCopy(large('a'));
      const programs = await lying(after(bench.repository));
      expect(await failureOf(await bench.ship({ programs }))).toEqual(failed('Check', 'RepositoryIncomplete'));
      expect((await bench.ledger()).chains).toEqual([]);
    },
    60_000,
  );

  test('status 0 and nothing done', async () => {
    await bench.addCopy(small('a'));
    const programs = await bench.program('duplicity', '#!/bin/sh\nexit 0\n');
    expect(await failureOf(await bench.ship({ programs }))).toEqual(failed('Check', 'RepositoryIncomplete'));
  }, 60_000);
});

test('no secret in any argument or in the log', async () => {
  const secret = 'Very-Secret-Words';
  const passphrase = await bench.secret('passphrase', { password: secret });
  await bench.addCopy(large('a'));
  const { done } = await bench.start({ encryption: { method: 'passphrase', passphrase } });
  const running = async (): Promise<boolean> => Promise.race([done.then(() => false), sleep(50).then(() => true)]);
  const seen = new Set<string>();
  while (await running()) {
    for (const { command } of await processesOf(bench.scratch)) seen.add(command.split('\0', 1)[0] ?? '');
    expect(await processesOf(secret)).toEqual([]);
  }
  const run = await done;
  expect(madeBy(run)).toEqual(['Full']);
  expect([...seen].some((program) => program.includes('rsync') || program.includes('python'))).toBe(true);
  expect(run.log).not.toContain(secret);
  expect(JSON.stringify(run.result)).not.toContain(secret);
}, 60_000);
