import { RunError } from '../../../errors/run-error.ts';
import type { Connection } from './connect.ts';

/** What kind of server this is, and what follows for the tools; the table of docs/sources-mysql.md. */
export interface ServerProfile {
  readonly flavour: 'MariaDB' | 'MySQL';
  /** As the server calls itself. */
  readonly version: string;
  /** Options of mariadb-dump beyond those that every server gets. */
  readonly dumpOptions: readonly string[];
  /** The hash that the server computes the content checksums with; MySQL 9 has no MD5. */
  readonly hash: 'MD5' | 'SHA2';
  /** Whether `CAST(… AS FLOAT)` is known, which tells FLOAT values that the dump rounds. */
  readonly castsFloat: boolean;
  /** Whether mariadb-dump writes the server's accounts so that they load. */
  readonly dumpsAccounts: boolean;
  /** Whether mariadb-dump writes rows so that they load, whatever their columns: MySQL takes no value for a generated column. */
  readonly loadsGenerated: boolean;
}

/** Servers that speak the protocol and are something else: their snapshots, locks and definitions are not those of MySQL. */
const others = /TiDB|OceanBase|SingleStore|MemSQL|Vitess|Doris|StarRocks|ClickHouse|Dolt/i;

/**
 * What is known of a server by `VERSION()` and `@@version_comment`.
 * @returns why it cannot be dumped, when that is known
 */
export const profileOf = (version: string, comment: string): ServerProfile | { readonly refused: string } => {
  const other = others.exec(`${version} ${comment}`)?.[0];
  if (other !== undefined) return { refused: `it is ${other}, which is neither MySQL nor MariaDB` };
  // Some proxies put the version before it that old replicas could read.
  const [, major = '', minor = '', patch = ''] = /^(?:5\.5\.5-)?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  if (major === '') return { refused: 'its version is not known' };
  const release = Number(major) * 1000 + Number(minor);
  if (/MariaDB/i.test(`${version} ${comment}`)) {
    if (release < 10_002) return { refused: 'mariadb-dump reads MariaDB 10.2 and later' };
    return {
      flavour: 'MariaDB',
      version,
      dumpOptions: release >= 10_003 ? ['--dump-history'] : [],
      hash: 'MD5',
      castsFloat: release >= 10_005,
      dumpsAccounts: true,
      loadsGenerated: true,
    };
  }
  if (release < 5007) return { refused: 'mariadb-dump reads MySQL 5.7 and later' };
  return {
    flavour: 'MySQL',
    version,
    // Tablespaces are those of MySQL Cluster, and asking for them takes one more privilege.
    dumpOptions: ['--no-tablespaces'],
    hash: 'SHA2',
    castsFloat: release > 8000 || (release === 8000 && Number(patch) >= 17),
    dumpsAccounts: false,
    loadsGenerated: false,
  };
};

const numbers = /^(?:5\.5\.5-)?(\d+(?:\.\d+)*)/;

/** Engine and version, as a scratch server is chosen by: `mariadb 10.11.6`. */
export const serverName = ({ flavour, version }: Pick<ServerProfile, 'flavour' | 'version'>): string =>
  `${flavour.toLowerCase()} ${numbers.exec(version)?.[1] ?? version}`;

/** Engine and release of what serverName gives: data of one release load into any server of it. */
export const releaseIn = (server: string): string => /^\S+ \d+(?:\.\d+)?/.exec(server)?.[0] ?? server;

/** @throws RunError SourceNotSupported */
export const readProfile = async (connection: Connection): Promise<ServerProfile> => {
  const [row]: { version: string; comment: string }[] = await connection.query(
    'SELECT VERSION() AS version, @@version_comment AS comment',
  );
  const { version = '', comment = '' } = row ?? {};
  const profile = profileOf(version, comment);
  if ('refused' in profile) {
    const detail = `The server calls itself "${version}" (${comment}), and cannot be backed up: ${profile.refused}.`;
    throw new RunError('SourceNotSupported', detail);
  }
  return profile;
};
