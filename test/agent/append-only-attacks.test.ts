import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { makeAppendOnly, snapshot, type AppendOnlyHost } from './support/append-only.ts';
import { makeDirectory } from './support/directories.ts';
import { duplicityDirectory } from './support/duplicity.ts';
import { type Bench, makeBench } from './support/duplicity-bench.ts';
import { type GpgOwner, makeGpgOwner } from './support/duplicity-gpg.ts';
import { large } from './support/ship-outcomes.ts';
import { type RsyncRepository, startRsyncRepository } from './support/repositories.ts';
import type { BackupHost } from './support/ssh.ts';

// A stolen backup pod: its SSH key and its public key, against a host with one backup.

let repository: RsyncRepository;
let host: BackupHost;
let bench: Bench;
let home: Awaited<ReturnType<typeof makeDirectory>>;
let owner: GpgOwner;
let target: AppendOnlyHost;
let chain = '';
let volume = '';
let before: string[] = [];

beforeAll(async () => {
  repository = await startRsyncRepository();
  host = repository.host;
  await duplicityDirectory();
  home = await makeDirectory();
  owner = await makeGpgOwner(home.path, 'o');
  bench = await makeBench(repository);
  target = await makeAppendOnly(host, bench);
  const publicKey = await bench.secret('gpg-public', { 'public.asc': owner.publicKey });
  await bench.addCopy(large('a'));
  const made = await bench.ship({ rsync: target.repository, encryption: { method: 'gpg', publicKey } });
  if (made.exitCode !== 0) throw new Error(`no backup to attack: ${made.log}`);
  const [directory = ''] = await bench.chains();
  chain = join(bench.repository, directory);
  const line = (await snapshot(chain)).find((text) => text.includes('.vol1.')) ?? '';
  volume = join(chain, line.split(' ', 1)[0] ?? '');
  // What is outside of what the key may use, and what lies in it by the host's own doing.
  await writeFile(join(host.directory, 'outside'), 'outside\n');
  await mkdir(join(host.directory, 'elsewhere'));
  await symlink(join(host.directory, 'elsewhere'), join(target.root, 'link'));
  // What an attacker brings along.
  await writeFile(join(bench.path, 'evil'), 'evil\n');
  await writeFile(join(bench.path, 'nothing'), '');
  await mkdir(join(bench.path, 'empty'));
  await mkdir(join(bench.path, 'links'));
  await symlink('/etc', join(bench.path, 'links', 'way-out'));
  // What a client may do makes work for what it may not: a newer full, and a volume that belongs to nothing.
  await mkdir(join(bench.path, 'source'));
  const full = await target.duplicity(
    { GNUPGHOME: owner.home },
    'full',
    `--encrypt-key=${owner.fingerprint}`,
    join(bench.path, 'source'),
    target.url(chain),
  );
  const orphan = await target.rsync('evil', `HOST:${chain}/duplicity-full.20190101T000000Z.vol1.difftar.gpg`);
  if (full.exitCode !== 0 || orphan.exitCode !== 0) throw new Error(`${full.all}\n${orphan.all}`);
  before = await snapshot(host.directory);
}, 240_000);

afterAll(async () => {
  await owner.stop();
  await bench.remove();
  await home.remove();
  await repository.stop();
});

interface Attack {
  readonly reason: string;
  readonly args: () => readonly string[];
}

const attacks: readonly Attack[] = [
  { reason: 'a volume is overwritten', args: () => ['evil', `HOST:${volume}`] },
  { reason: 'a volume is cut to nothing', args: () => ['nothing', `HOST:${volume}`] },
  { reason: 'in place', args: () => ['--inplace', 'evil', `HOST:${volume}`] },
  { reason: 'something is appended to a volume', args: () => ['--append', 'evil', `HOST:${volume}`] },
  {
    reason: 'a volume is set aside, under another name',
    args: () => ['--backup', '--suffix=.old', 'evil', `HOST:${volume}`],
  },
  {
    reason: 'a volume is moved elsewhere',
    args: () => ['--backup', `--backup-dir=${chain}/x`, 'evil', `HOST:${volume}`],
  },
  { reason: 'a directory takes the place of a volume', args: () => ['-r', 'empty', `HOST:${volume}/`] },
  { reason: 'a file takes the place of a chain', args: () => ['--force', 'evil', `HOST:${chain}`, '--delete', '-r'] },
  { reason: 'all is deleted', args: () => ['-r', '--delete', 'empty/', `HOST:${bench.repository}/`] },
  { reason: 'all is deleted afterwards', args: () => ['-r', '--delete-after', 'empty/', `HOST:${target.root}/`] },
  { reason: 'what is missing is deleted', args: () => ['-r', '--delete-missing-args', 'gone', `HOST:${chain}/`] },
  { reason: 'a volume goes as it is fetched', args: () => ['--remove-source-files', `HOST:${volume}`, 'taken'] },
  { reason: 'the owner marker is replaced', args: () => ['evil', `HOST:${bench.repository}/holdfast-owner.json`] },
  {
    reason: 'the host’s list of what it removed is forged',
    args: () => ['evil', `HOST:${bench.repository}/holdfast-pruned.json`],
  },
  { reason: 'a half-sent file stays', args: () => ['--partial', 'evil', `HOST:${chain}/new`] },
  {
    reason: 'half-sent files lie elsewhere',
    args: () => [`--partial-dir=${host.directory}`, 'evil', `HOST:${chain}/new`],
  },
  {
    reason: 'temporary files lie elsewhere',
    args: () => [`--temp-dir=${host.directory}/elsewhere`, 'evil', `HOST:${chain}/new`],
  },
  { reason: 'rsync writes its log into a volume', args: () => [`-M--log-file=${volume}`, 'evil', `HOST:${chain}/new`] },
  { reason: 'the server is given its own options', args: () => ['-M--fake-super', 'evil', `HOST:${chain}/new`] },
  { reason: 'upwards', args: () => ['evil', `HOST:${target.root}/../outside`] },
  { reason: 'upwards, below the directory', args: () => ['evil', 'HOST:shop/../../outside'] },
  { reason: 'an absolute path elsewhere', args: () => ['evil', `HOST:${host.directory}/new`] },
  { reason: 'a directory whose name only begins alike', args: () => ['evil', `HOST:${target.root}-other/new`] },
  { reason: 'through a link of the host’s', args: () => ['evil', `HOST:${target.root}/link/new`] },
  { reason: 'over a link of the host’s', args: () => ['evil', `HOST:${target.root}/link`] },
  { reason: 'reading through a link of the host’s', args: () => ['-r', `HOST:${target.root}/link/`, 'taken'] },
  { reason: 'reading elsewhere', args: () => [`HOST:${host.directory}/outside`, 'taken'] },
  { reason: 'reading behind links', args: () => ['-rL', `HOST:${target.root}/`, 'taken'] },
  { reason: 'a link is made', args: () => ['-rl', 'links/', `HOST:${chain}/`] },
  { reason: 'modes, owners and times of directories', args: () => ['-a', '--chmod=D000', 'empty/', `HOST:${chain}/`] },
  { reason: 'devices', args: () => ['--write-devices', 'evil', `HOST:${volume}`] },
  { reason: 'among uploads on their way', args: () => ['evil', `HOST:${target.root}/.holdfast-incoming/x`] },
  { reason: 'arguments that are not on the command line', args: () => ['-s', 'evil', `HOST:${chain}/new`] },
  {
    reason: 'another program in the place of rsync',
    args: () => ['--rsync-path=sh -c id; rsync', 'evil', `HOST:${chain}/new`],
  },
];

test.each(attacks)('rsync is refused: $reason', async ({ args }) => {
  const { exitCode, all } = await target.rsync(...args());
  expect({ exitCode, all }).toEqual({
    exitCode: expect.any(Number),
    all: expect.stringContaining('holdfast-append-only: '),
  });
  expect(exitCode).not.toBe(0);
  expect(await snapshot(host.directory)).toEqual(before);
});

test('modes of what is there stay, though rsync may set those of what it sends', async () => {
  // The client is told that all is well: it asked for a directory that is there.
  await target.rsync('-rp', '--chmod=D000', 'empty/', `HOST:${chain}/`);
  expect(await snapshot(host.directory)).toEqual(before);
});

test.each([
  { reason: 'a shell', args: [] },
  { reason: 'a command', args: ['id'] },
  { reason: 'a shell by its name', args: ['/bin/sh', '-c', 'id'] },
  { reason: 'a second command behind rsync', args: ['rsync --server -e.LsfxCIvu . x; id'] },
  { reason: 'a command in the place of a word', args: ['rsync --server -e.LsfxCIvu . $(touch outside)'] },
  { reason: 'rsync as a daemon', args: ['rsync', '--server', '--daemon', '.'] },
  { reason: 'rsync with a configuration', args: ['rsync', '--daemon', '--config=/etc/passwd'] },
  { reason: 'scp', args: ['scp', '-t', '/tmp'] },
  { reason: 'sftp', args: ['-s', 'sftp'] },
  {
    reason: 'rsync with a list of files elsewhere',
    args: ['rsync --server --sender -re.LsfxCIvu --files-from=/etc/passwd . .'],
  },
  { reason: 'what cannot be read', args: ['rsync --server "'] },
])('ssh is refused: $reason', async ({ args }) => {
  const { exitCode, all } = args[0] === '-s' ? await target.ssh(...args.slice(1)) : await target.ssh(...args);
  expect(exitCode).not.toBe(0);
  expect(all).not.toContain('uid=');
  expect(await snapshot(host.directory)).toEqual(before);
});

test('ports are not forwarded', async () => {
  const { exitCode, all } = await execa(
    'ssh',
    ['-p', String(host.port), ...target.sshOptions, '-W', `127.0.0.1:${host.port}`, `${host.user}@${host.host}`],
    { reject: false, all: true, stdin: 'ignore', timeout: 10_000 },
  );
  expect({ exitCode, all }).toEqual({ exitCode: 255, all: expect.stringContaining('administratively prohibited') });
});

test.each([
  { action: ['remove-all-but-n-full', '1'], reason: 'an older full is there' },
  { action: ['remove-older-than', '1s'], reason: 'as retention is often done' },
  { action: ['cleanup'], reason: 'a volume without a manifest is there' },
])(
  'duplicity $action.0 --force is refused: $reason',
  async ({ action }) => {
    const { all } = await target.duplicity({ GNUPGHOME: owner.home }, ...action, '--force', target.url(chain));
    // Its exit status is 0 all the same: only what the host holds tells.
    expect(all).toContain('--delete is not allowed');
    expect(await snapshot(host.directory)).toEqual(before);
  },
  240_000,
);

test('a new file goes in, whole, as the host’s; once more the same is no error; another is', async () => {
  const file = join(chain, 'duplicity-full.20200101T000000Z.vol1.difftar.gpg');
  await writeFile(join(bench.path, 'bytes'), 'bytes');
  const send = async (name: string) => (await target.rsync('-t', name, `HOST:${file}`)).exitCode;
  expect(await send('bytes')).toBe(0);
  expect(await send('bytes')).toBe(0);
  expect(await send('evil')).not.toBe(0);
  expect(await readFile(file, 'utf8')).toBe('bytes');
  const after = await snapshot(host.directory);
  expect(after.filter((line) => !before.includes(line))).toEqual([expect.stringContaining('vol1.difftar.gpg 100440 ')]);
  expect(before.filter((line) => !after.includes(line))).toEqual([]);
  before = after;
});

test('an upload that was begun before the backup does not end over it', async () => {
  const file = join(chain, 'duplicity-full.20210101T000000Z.vol1.difftar.gpg');
  await writeFile(join(bench.path, 'slow'), 'x'.repeat(300_000));
  const slow = target.rsync('--bwlimit=100', '--whole-file', 'slow', `HOST:${file}`);
  await new Promise((resolve) => {
    setTimeout(resolve, 1000);
  });
  expect((await target.rsync('evil', `HOST:${file}`)).exitCode).toBe(0);
  const ended = await slow;
  expect({ exitCode: ended.exitCode, all: ended.all }).toEqual({
    exitCode: 4,
    all: expect.stringContaining('exists; nothing is replaced'),
  });
  expect(await readFile(file, 'utf8')).toBe('evil\n');
  before = await snapshot(host.directory);
});

describe('what is stored', () => {
  test('can be fetched with what is in the pod, but not opened', async () => {
    const podGpg = join(home.path, 'p');
    await mkdir(podGpg, { mode: 0o700 });
    await execa('gpg', ['--homedir', podGpg, '--batch', '--import'], { input: owner.publicKey });
    const fetched = join(bench.path, 'fetched');
    expect((await target.rsync(`HOST:${volume}`, fetched)).exitCode).toBe(0);
    expect((await readFile(fetched)).equals(await readFile(volume))).toBe(true);
    const opened = await execa('gpg', ['--homedir', podGpg, '--batch', '--decrypt', fetched], { reject: false });
    expect({ exitCode: opened.exitCode, stdout: opened.stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(opened.stderr).toContain('No secret key');
    await execa('gpgconf', ['--homedir', podGpg, '--kill', 'all'], { reject: false });
  });

  test('is opened by the owner', async () => {
    const opened = await execa('gpg', ['--homedir', owner.home, '--batch', '--decrypt', volume], {
      encoding: 'buffer',
    });
    expect(opened.stdout.length).toBeGreaterThan(0);
  });
});
