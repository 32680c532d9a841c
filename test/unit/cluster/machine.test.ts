import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { apiserverArguments, etcdArguments } from '../../cluster/control-plane-arguments.ts';
import { cgroupMounts } from '../../cluster/embedded/cgroups.ts';
import { kindCommand } from '../../cluster/kind.ts';
import { missingPackages } from '../../cluster/packages.ts';
import { cacheDirectory, stateDirectory } from '../../cluster/paths.ts';
import { subject } from '../../cluster/pki.ts';
import { parseStat } from '../../cluster/process.ts';
import { createProgress, elapsed } from '../../cluster/progress.ts';
import { dyingWithParent } from '../../cluster/server.ts';

test.each([
  { name: 'sleep', reason: 'plain' },
  { name: 'a b) R 1 (', reason: 'spaces and brackets in the name' },
])('state and start time from /proc/<pid>/stat: $reason', ({ name }) => {
  const rest = Array.from({ length: 30 }, (_, index) => `n${index + 4}`).join(' ');
  expect(parseStat(`42 (${name}) S ${rest}`)).toEqual({ state: 'S', startTime: 'n22' });
});

test('a cut line of /proc/<pid>/stat says nothing', () => {
  expect(parseStat('42 (sleep) S 1 2')).toBeUndefined();
});

test('packages that are removed but configured, or unknown, are missing', () => {
  const output = 'runc installed\ntini config-files\n';
  expect(missingPackages(['runc', 'tini', 'nosuch'], output)).toEqual(['tini', 'nosuch']);
});

test.each([
  { cache: '/x', expected: '/x/holdfast', reason: 'as told' },
  {
    cache: 'relative',
    expected: expect.stringMatching(/^\/.*\/\.cache\/holdfast$/),
    reason: 'a relative value is to be ignored',
  },
  { cache: '', expected: expect.stringMatching(/^\/.*\/\.cache\/holdfast$/), reason: 'so is an empty one' },
])('the cache directory: $reason', ({ cache, expected }) => {
  expect(cacheDirectory({ XDG_CACHE_HOME: cache })).toEqual(expected);
});

test('each cluster has a state directory', () => {
  expect(stateDirectory('a', { XDG_STATE_HOME: '/s' })).toBe('/s/holdfast/cluster/a');
});

test.each([
  { request: { commonName: 'admin', organizations: ['system:masters'] }, expected: '/O=system:masters/CN=admin' },
  { request: { commonName: 'a/CN=root+x' }, expected: String.raw`/CN=a\/CN=root\+x` },
])('a certificate’s subject: $expected', ({ request, expected }) => {
  expect(subject(request)).toBe(expected);
});

test('control groups of version 1 and 2, and nothing mounted elsewhere', () => {
  const mounts = [
    'cgroup /sys/fs/cgroup/cpu cgroup rw 0 0',
    'cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0',
    'tmpfs /sys/fs/cgroup tmpfs rw 0 0',
    'cgroup /mnt/cgroup cgroup rw 0 0',
  ];
  expect(cgroupMounts(mounts.join('\n'))).toEqual(['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/unified']);
});

test('kind from PATH, else by Go in a fixed version', () => {
  expect(kindCommand(true)).toEqual(['kind', []]);
  expect(kindCommand(false)).toEqual(['go', ['run', expect.stringMatching(/^sigs\.k8s\.io\/kind@v\d/)]]);
});

test('a server ends with its parent, where the system can do that', () => {
  expect(dyingWithParent('etcd', ['-x'], 'linux')).toEqual(['setpriv', ['--pdeathsig', 'KILL', '--', 'etcd', '-x']]);
  expect(dyingWithParent('etcd', ['-x'], 'darwin')).toEqual(['etcd', ['-x']]);
});

test('etcd listens on one address only', () => {
  const args = etcdArguments({ dataDirectory: '/d', host: '127.0.0.1', ports: [1, 2] });
  expect(args.filter((arg) => arg.includes('http')).every((arg) => arg.includes('//127.0.0.1:'))).toBe(true);
});

test('more flags of the apiserver come last, so that they count', () => {
  const file = { certificateFile: 'c', keyFile: 'k' };
  const args = apiserverArguments({
    bindAddress: '127.0.0.1',
    advertiseAddress: '127.0.0.1',
    securePort: 1,
    etcdServer: 'http://127.0.0.1:2',
    serviceCidr: '198.19.248.0/24',
    authority: file,
    serving: file,
    signingKey: { privateFile: 'p', publicFile: 'q' },
    extra: ['--authorization-mode=AlwaysAllow'],
  });
  expect(args.at(-1)).toBe('--authorization-mode=AlwaysAllow');
  expect(args).toContain('--authorization-mode=Node,RBAC');
});

test.each([
  [400, '0 s'],
  [59_000, '59 s'],
  [95_000, '1 min 35 s'],
])('%d ms reads as %s', (milliseconds, expected) => {
  expect(elapsed(milliseconds)).toBe(expected);
});

const written = async (work: (detail: (text: string) => void) => Promise<unknown>) => {
  const stream = new PassThrough();
  await createProgress(stream)
    .task('Building', work)
    .catch(() => {});
  stream.end();
  return await text(stream);
};

describe('progress without a terminal', () => {
  test('is whole lines: the beginning and the end', async () => {
    expect(await written(async () => {})).toMatch(/^ {2}Building\n✓ Building \(\d+ s\)\n$/);
  });

  test('does not call success what failed', async () => {
    const output = await written(async (detail) => {
      detail('half way');
      throw new Error('no');
    });
    expect(output).toMatch(/✗ Building: half way \(\d+ s\)\n$/);
    expect(output).not.toContain('✓');
  });
});
