import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { MariadbServer } from '../../agent/support/mariadb.ts';
import { database } from './database.ts';
import type { Place, Way } from './place.ts';

const passphrase = 'correct horse battery staple';

/** The commands that were used by hand: `mysqldump agama > agama.sql`, then duplicity with its defaults. */
export const makeByHand = async (place: Place, { socket }: MariadbServer): Promise<Way> => {
  const home = join(place.path, 'by-hand');
  const data = join(home, 'data');
  const stored = place.onHost('by-hand');
  const url = `rsync://${place.user}@${place.host}:${place.port}/${stored}`;
  const times = new Map<number, number>();
  await mkdir(data, { recursive: true });
  await mkdir(stored);
  const duplicity = (own: string, args: readonly string[]) =>
    place.run(own, ['duplicity', ...args], { environment: { PASSPHRASE: passphrase } });
  return {
    stored,
    source: () => data,
    async backup(day) {
      const dump = await place.run(
        join(home, 'dump'),
        ['mariadb-dump', '--no-defaults', `--socket=${socket}`, '--user=root', database],
        { output: join(data, `${database}.sql`) },
      );
      const action = day === 0 ? 'full' : 'incremental';
      const { result: ship, sentBytes } = await place.counted(() =>
        duplicity(join(home, 'home'), [action, `--ssh-options=${place.sshOptions}`, data, url]),
      );
      times.set(day, Math.floor(Date.now() / 1000));
      return { day, dump, ship, sentBytes };
    },
    restore: (day, target, own) =>
      duplicity(own, ['restore', `--ssh-options=${place.sshOptions}`, `--time=${times.get(day)}`, url, target]),
  };
};
