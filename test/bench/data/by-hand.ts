import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { MariadbServer } from '../../agent/support/mariadb.ts';
import { database } from './database.ts';
import type { Cost } from './figures.ts';
import type { Place, Way } from './place.ts';

const passphrase = 'correct horse battery staple';

/** duplicity as it is used by hand: a passphrase, over rsync, all else as it comes. */
export interface DuplicityByHand {
  /** Where it keeps what it stored, as this machine sees it. */
  readonly stored: string;
  /** Stores a directory, with a home of its own. */
  store(home: string, action: 'full' | 'incremental', directory: string): Promise<Cost>;
  /** `watch` is counted as its scratch space too. */
  restore(home: string, target: string, options?: readonly string[], watch?: readonly string[]): Promise<Cost>;
}

export const makeDuplicityByHand = async (place: Place, name: string): Promise<DuplicityByHand> => {
  const stored = place.onHost(name);
  const url = `rsync://${place.user}@${place.host}:${place.port}/${stored}`;
  const ssh = `--ssh-options=${place.sshOptions}`;
  await mkdir(stored);
  const duplicity = (home: string, args: readonly string[], watch: readonly string[] = []): Promise<Cost> =>
    place.run(home, ['duplicity', ...args], { environment: { PASSPHRASE: passphrase }, watch });
  return {
    stored,
    store: (home, action, directory) => duplicity(home, [action, ssh, directory, url]),
    restore: (home, target, options = [], watch = []) =>
      duplicity(home, ['restore', ssh, ...options, url, target], watch),
  };
};

/** Dumps a database as it is done by hand. */
export const dumpByHand = (
  place: Place,
  { socket }: MariadbServer,
  { home, name, output }: { readonly home: string; readonly name: string; readonly output: string },
): Promise<Cost> =>
  place.run(home, ['mariadb-dump', '--no-defaults', `--socket=${socket}`, '--user=root', name], { output });

/** The commands that were used by hand: `mysqldump agama > agama.sql`, then duplicity with its defaults. */
export const makeByHand = async (place: Place, server: MariadbServer): Promise<Way> => {
  const home = join(place.path, 'by-hand');
  const data = join(home, 'data');
  const times = new Map<number, number>();
  await mkdir(data, { recursive: true });
  const duplicity = await makeDuplicityByHand(place, 'by-hand');
  return {
    stored: duplicity.stored,
    source: () => data,
    async backup(day) {
      const output = join(data, `${database}.sql`);
      const dump = await dumpByHand(place, server, { home: join(home, 'dump'), name: database, output });
      const action = day === 0 ? 'full' : 'incremental';
      const { result: ship, sentBytes } = await place.counted(() => duplicity.store(join(home, 'home'), action, data));
      times.set(day, Math.floor(Date.now() / 1000));
      return { day, dump, ship, sentBytes };
    },
    restore: (day, target, own) => duplicity.restore(own, target, [`--time=${times.get(day)}`]),
  };
};
