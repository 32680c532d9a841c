import { link, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { ensureDebianPackages } from '../../cluster/packages.ts';
import type { Place, Way } from './place.ts';

/** Debian's restic on the files of another way's dump, which lie in the same directory every day. */
export const makeRestic = async (place: Place, files: () => string): Promise<Way> => {
  await ensureDebianPackages(['restic']);
  const home = join(place.path, 'restic');
  const data = join(home, 'data');
  const stored = place.onHost('restic');
  const environment = { RESTIC_PASSWORD: 'correct horse battery staple' };
  const address = `${place.user}@${place.host}`;
  const common = [
    `--repo=sftp:${address}:${stored}`,
    `--option=sftp.command=ssh -p ${place.port} ${place.sshOptions} ${address} /usr/lib/openssh/sftp-server`,
    '--quiet',
  ];
  await mkdir(data, { recursive: true });
  await execa('restic', ['init', ...common], { env: { ...environment, HOME: home } });
  return {
    stored,
    source: () => data,
    async backup(day) {
      await rm(data, { recursive: true });
      await mkdir(data);
      for (const name of await readdir(files())) await link(join(files(), name), join(data, name));
      const { result: ship, sentBytes } = await place.counted(() =>
        place.run(join(home, 'home'), ['restic', 'backup', ...common, `--tag=day-${day}`, '.'], {
          cwd: data,
          environment,
        }),
      );
      return { day, ship, sentBytes };
    },
    async restore(day, target, own) {
      await mkdir(target);
      return place.run(
        own,
        ['restic', 'restore', 'latest', ...common, '--no-cache', `--tag=day-${day}`, `--target=${target}`],
        { environment },
      );
    },
  };
};
