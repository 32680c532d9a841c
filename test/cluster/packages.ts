import { execa } from 'execa';
import { ClusterError } from './error.ts';
import { withLock } from './lock.ts';
import { type Progress, silentProgress } from './progress.ts';
import { withoutServices } from './service-guard.ts';

/** The Debian packages that hold what the embedded cluster runs on. */
export const CLUSTER_PACKAGES = [
  'conntrack',
  'containerd',
  'containernetworking-plugins',
  'iproute2',
  'iptables',
  'openssl',
  'runc',
  'tini',
] as const;

/** The Debian packages that images are built with where there is no Docker engine. */
export const IMAGE_PACKAGES = ['buildah', 'busybox-static', 'mmdebstrap'] as const;

/** The packages of `names` that `dpkg-query --show --showformat='${Package} ${db:Status-Status}\n'` does not list as installed. */
export const missingPackages = (names: readonly string[], dpkgOutput: string): string[] => {
  const installed = new Set(
    dpkgOutput
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
};

const findMissing = async (names: readonly string[]): Promise<string[]> => {
  // Exit 1 says that some name is unknown: those are missing as well.
  const { stdout } = await execa('dpkg-query', ['--show', '--showformat=${Package} ${db:Status-Status}\n', ...names], {
    reject: false,
  });
  return missingPackages(names, stdout);
};

const isRoot = () => process.getuid?.() === 0;

/**
 * Installs the Debian packages that are not there yet. Starts no service.
 *
 * @throws ClusterError when something is missing and this is not Debian, not root, or apt-get fails
 */
export const ensureDebianPackages = async (
  names: readonly string[],
  progress: Progress = silentProgress,
): Promise<void> => {
  const missing = await findMissing(names).catch((error: unknown) => {
    throw new ClusterError(
      `The packages ${names.join(', ')} are needed, and dpkg-query, which would tell whether they are there, does not run.`,
      'Use Debian 12, or a machine with a Docker engine, or set KUBECONFIG to a cluster that is there.',
      { cause: error },
    );
  });
  if (missing.length === 0) return;
  if (!isRoot()) {
    throw new ClusterError(
      `These Debian packages are missing, and only root can install them: ${missing.join(' ')}`,
      `Run: sudo apt-get install --yes --no-install-recommends ${missing.join(' ')}`,
    );
  }
  await withLock('/run/lock/holdfast-apt', async () => {
    const still = await findMissing(names);
    if (still.length === 0) return;
    await progress.task(`Installing Debian packages (${still.join(', ')})`, (detail) =>
      withoutServices(() => install(still, detail)),
    );
  });
};

const install = async (names: readonly string[], detail: (text: string) => void): Promise<void> => {
  const apt = async (args: readonly string[]) => {
    const run = execa('apt-get', ['--quiet', '--option', 'DPkg::Lock::Timeout=300', ...args], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
      reject: false,
      all: true,
      stdin: 'ignore',
    });
    for await (const line of run.iterable({ from: 'all' })) {
      if (/^(Get|Unpacking|Setting up)/.test(line)) detail(line.slice(0, 80));
    }
    return await run;
  };

  const installArguments = ['install', '--yes', '--no-install-recommends', '--', ...names];
  // The lists may be absent or old: they are fetched only when the first try fails.
  if (!(await apt(installArguments)).failed) return;
  detail('fetching package lists');
  await apt(['update']);
  const result = await apt(installArguments);
  if (!result.failed) return;
  throw new ClusterError(
    `apt-get could not install ${names.join(' ')}:\n${result.all.split('\n').slice(-8).join('\n')}`,
    `Run it by hand to see all of it: apt-get update && apt-get install ${names.join(' ')}`,
  );
};
