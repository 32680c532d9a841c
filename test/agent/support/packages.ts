import { ensureDebianPackages } from '../../cluster/packages.ts';
import { createProgress } from '../../cluster/progress.ts';

/** What the agent's tests and the restore by hand run on this machine, beside what Debian always has. */
const packages = [
  'faketime',
  'git',
  'gnupg',
  'gpg-agent',
  'influxdb',
  'mariadb-client',
  'mariadb-server',
  'openssh-client',
  'openssh-server',
  'openssl',
  'python3-venv',
  'rsync',
] as const;

/**
 * Installs the programs that are missing; no service is started.
 * @throws ClusterError naming them where they cannot be installed
 */
export const ensurePrograms = (): Promise<void> => ensureDebianPackages(packages, createProgress());
