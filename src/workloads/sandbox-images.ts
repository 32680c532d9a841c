/** An image whose server verifications load backups into. */
export interface SandboxImage {
  /** As the server is called in facts: `mariadb`, `mysql`, `influxdb`. */
  engine: string;
  /** Major and minor version: `10.11`. */
  release: string;
  image: string;
}

/** Engine and release of a server, out of what a dump says of its source: `mariadb 10.11.6` is `mariadb` and `10.11`. */
export const releaseOf = (server: string): Pick<SandboxImage, 'engine' | 'release'> | undefined => {
  const [, engine, release] = /^([a-z]+) (\d+\.\d+)/.exec(server) ?? [];
  return engine === undefined || release === undefined ? undefined : { engine, release };
};

interface Wanted {
  /** Engines that the source may run on. */
  engines: readonly string[];
  /** The image that the policy names. */
  image: string | undefined;
  /** What the newest backup says of its source. */
  server: string | undefined;
}

/**
 * The image of the scratch server: the one that the policy names if it is on the operator's list, else the one of the list for the source's
 * release. While no backup says which release that is, and where the list has none for it, any of the engine: the agent refuses a
 * server of another release, and says which one it needs. Undefined: the list has none.
 */
export const chooseSandboxImage = (
  list: readonly SandboxImage[],
  { engines, image, server }: Wanted,
): string | undefined => {
  const possible = list.filter(({ engine }) => engines.includes(engine));
  if (image !== undefined) return possible.find((each) => each.image === image)?.image;
  const source = server === undefined ? undefined : releaseOf(server);
  const same = possible.find(({ engine, release }) => engine === source?.engine && release === source.release);
  return (same ?? possible.find(({ engine }) => engine === source?.engine) ?? possible[0])?.image;
};
